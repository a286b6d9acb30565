//! `<dir>/influxd-meta/`: who owns it, what lies in it, and atomic small files.

use std::io;
use std::path::{Path, PathBuf};

use crate::runtime::Env;

/// The locked data directory. Dropping the last clone lets go of the lock.
#[derive(Clone)]
pub struct DataDir {}

/// Why the directory cannot be used. `app` maps these to exit codes (autojoin.md B10).
#[derive(Debug, thiserror::Error)]
pub enum OpenDirError {
    /// `raft.db` or `peers.json` in it: exit 65.
    #[error("{path} is data of another meta node program")]
    Foreign { path: PathBuf },
    /// A log or snapshot without `identity`: exit 65.
    #[error("{path} holds a log or snapshot but no identity: a damaged directory")]
    NoIdentity { path: PathBuf },
    /// Held by another process: exit 73.
    #[error("{path} is in use by another process")]
    Locked { path: PathBuf },
    /// Not writable by this uid: exit 77, with the fix.
    #[error("{path} cannot be written: {source}")]
    Denied { path: PathBuf, source: io::Error },
    /// Anything else, exit 74.
    #[error("{deed} {path}: {source}")]
    Io { deed: &'static str, path: PathBuf, source: io::Error },
}

impl DataDir {
    /// Creates what is missing and locks. Blocks. `dir` is the configured `[meta] dir`.
    pub fn open(_env: &Env, _dir: &Path) -> Result<Self, OpenDirError> {
        todo!("the storage helper")
    }

    /// `<dir>/influxd-meta`.
    pub fn path(&self) -> &Path {
        todo!("the storage helper")
    }

    /// A small file whole: `identity`, `seen`. `None` when it does not exist. Blocks.
    pub fn load(&self, _name: &str) -> io::Result<Option<Vec<u8>>> {
        todo!("the storage helper")
    }

    /// Replaces a small file whole: tmp → fsync → rename → fsync of the folder. Blocks.
    pub fn store(&self, _name: &str, _bytes: &[u8]) -> io::Result<()> {
        todo!("the storage helper")
    }

    /// Whether any log segment exists. Blocks.
    pub fn has_log(&self) -> io::Result<bool> {
        todo!("the storage helper")
    }
}
