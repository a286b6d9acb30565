//! A small file in two copies that are overwritten in place: it can be written on a full disk.
//!
//! `<name>` is the one that counts. `<name>-2` replaces it if a power loss has torn it. The caller
//! pads the content to a constant size and recognises a torn copy by a checksum.

use std::io;

use super::DataDir;
use super::dir::replace_file;
use crate::runtime::lock;

/// A copy of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    First,
    Second,
}

impl Copy {
    fn name(self, name: &str) -> String {
        match self {
            Self::First => name.to_owned(),
            Self::Second => format!("{name}-2"),
        }
    }
}

impl DataDir {
    /// Reads one copy. Returns `None` if it does not exist. Blocks.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn load_copy(&self, name: &str, copy: Copy) -> io::Result<Option<Vec<u8>>> {
        self.load(&copy.name(name))
    }

    /// Writes both copies durably, `order[0]` first. Needs free space only if a copy does not exist
    /// or has another size. Blocks.
    ///
    /// The second copy is written first, unless the first one is torn: at each moment one of the
    /// two is whole.
    ///
    /// # Errors
    /// Errors of the disk. The copies then have the old content or the new one, and at most one of
    /// them is torn.
    pub fn store_copies(&self, name: &str, bytes: &[u8], order: [Copy; 2]) -> io::Result<()> {
        let _guard = lock(self.replace_lock());
        for copy in order {
            // Safety order: the first of the two is durable before the other is touched. Otherwise
            // a power loss could tear both.
            self.overwrite(&copy.name(name), bytes)?;
        }
        Ok(())
    }

    fn overwrite(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (disk, path) = (self.disk(), self.path().join(name));
        if disk.exists(&path)? {
            let file = disk.open(&path, false)?;
            if file.size()? == bytes.len() as u64 {
                file.write_at(0, bytes)?;
                return file.sync();
            }
        }
        replace_file(disk, self.path(), name, &[bytes])
    }
}
