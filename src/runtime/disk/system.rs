//! The real file system.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::spares::Spares;
use super::{Disk, File, Lock};

/// The real file system. Keeps a few descriptors for itself.
pub struct System(Spares);

impl Default for System {
    fn default() -> Self {
        Self(Spares::take())
    }
}

/// An open file. Its descriptor becomes a spare when it is closed.
struct OpenFile {
    file: Option<fs::File>,
    spares: Spares,
}

impl OpenFile {
    fn file(&self) -> io::Result<&fs::File> {
        // Always there before the drop.
        self.file
            .as_ref()
            .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            self.spares.close(file);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the disk that all others use"
)]
impl Disk for System {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn File>> {
        let file = self.0.open(|| {
            fs::OpenOptions::new()
                .read(true)
                .write(true)
                .create(create)
                .truncate(false)
                .open(path)
        })?;
        Ok(Box::new(OpenFile {
            file: Some(file),
            spares: self.0.clone(),
        }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.open(|| fs::read(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let name =
            |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        let mut names = self
            .0
            .open(|| fs::read_dir(dir))?
            .map(name)
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let folder = self.0.open(|| fs::File::open(dir))?;
        let synced = folder.sync_all();
        self.0.close(folder);
        match synced {
            Err(error) if is_unsupported(&error) => {
                warn_unsynced(dir);
                Ok(())
            }
            synced => synced,
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(HeldLock { _file: file }))
    }

    fn size(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_blocks.saturating_mul(stat.f_frsize))
    }

    fn available(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Returns whether this file system has no fsync of folders: it answers EINVAL (shared folders of
/// virtual machines, 9p, old CIFS).
fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INVAL.raw_os_error())
}

/// Warns once: such a file system decides itself when a name is durable.
fn warn_unsynced(dir: &Path) {
    static WARNED: std::sync::Once = std::sync::Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            event = "disk.no-folder-sync",
            path = %dir.display(),
            "this file system refuses the fsync of a folder (EINVAL): a power loss may lose files \
             that were just made; use a local disk for data that matters"
        );
    });
}

/// A lock that is held as long as the descriptor is open.
struct HeldLock {
    _file: fs::File,
}

impl Lock for HeldLock {}

impl File for OpenFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file()?.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file()?.read_at(buf, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file()?.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file()?.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file()?.sync_data()
    }
}
