//! Files. All calls block: they are made from a worker (`Tasks::worker`) or `Tasks::blocking`.
//!
//! The real disk is [`System`]. [`Fake`] has a page cache, which survives the death of the process
//! and is lost at a power loss. Tests and simulations use it to inject faults.

mod fake;
mod spares;
mod system;

use std::io;
use std::path::Path;

pub use fake::{Fake, Op, OpKind};
pub use system::System;

/// The functions of a file system that this program needs.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file for reading and writing. `create` makes an empty file if there is none.
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn File>>;
    /// Reads the whole content of a file that is never written here; it may be on a read-only
    /// mount.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.open(path, false)?.read_all()
    }
    /// Names (not paths) in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    fn exists(&self, path: &Path) -> io::Result<bool>;
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in this folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes an exclusive lock that the system releases when the process dies. `WouldBlock` if it
    /// is held.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
    /// Bytes of the whole volume of this folder.
    fn size(&self, dir: &Path) -> io::Result<u64>;
    /// Bytes that can still be written below this folder.
    fn available(&self, dir: &Path) -> io::Result<u64>;
}

/// An open file.
pub trait File: Send + Sync {
    fn size(&self) -> io::Result<u64>;
    /// Reads at most `buf.len()` bytes. Returns 0 at the end.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `bytes`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes the content, and the metadata needed to read it, durable (`fdatasync`).
    fn sync(&self) -> io::Result<()>;

    /// Reads the whole content.
    fn read_all(&self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.size()?).map_err(io::Error::other)?;
        let mut bytes = vec![0; size];
        let mut at = 0;
        while at < size {
            match self.read_at(at as u64, &mut bytes[at..])? {
                0 => break,
                read => at += read,
            }
        }
        bytes.truncate(at);
        Ok(bytes)
    }
}

/// A held lock, released when dropped.
pub trait Lock: Send + Sync {}
