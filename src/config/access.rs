//! The reason why a file may not be read.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// This process's user, and the owner of what it may not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub uid: u32,
    /// `None` if not even a folder above the file can be examined.
    pub blocking: Option<Owner>,
}

/// Owner and mode of a file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub path: PathBuf,
    pub uid: u32,
    pub mode: u32,
}

impl Access {
    /// Examines the file itself, or the lowest folder above it whose metadata can be read.
    pub(super) fn of(path: &Path) -> Self {
        let blocking = path.ancestors().find_map(|at| {
            let meta = at.metadata().ok()?;
            Some(Owner {
                path: at.to_owned(),
                uid: meta.uid(),
                mode: meta.mode() & 0o7777,
            })
        });
        Self {
            uid: rustix::process::geteuid().as_raw(),
            blocking,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this process runs as uid {}", self.uid)?;
        if let Some(Owner { path, uid, mode }) = &self.blocking {
            let path = path.display();
            write!(f, ", {path} belongs to uid {uid} and has mode {mode:04o}")?;
        }
        Ok(())
    }
}
