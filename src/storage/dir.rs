//! `<dir>/influxd-meta/`: who owns it, what lies in it, and atomic small files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::runtime::disk::{Disk, Lock};
use crate::runtime::{Env, lock};

/// The locked data directory. Dropping the last clone lets go of the lock; an open [`super::Log`]
/// holds one.
#[derive(Clone)]
pub struct DataDir(Arc<Inner>);

struct Inner {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// One small file is replaced at a time: two writers of one name would share its tmp file.
    replace_lock: Mutex<()>,
    _lock: Box<dyn Lock>,
}

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
    #[error("{operation} {path}: {source}")]
    Io {
        operation: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

const DIR_NAME: &str = "influxd-meta";
const WAL: &str = "wal";
const SNAP: &str = "snap";
const OLD: &str = "old";
/// What other meta node programs keep in their `dir`.
const FOREIGN: [&str; 2] = ["raft.db", "peers.json"];
/// A file that was not renamed into place is nobody's.
const TMP: &str = ".tmp";

impl DataDir {
    /// Creates what is missing and locks. Blocks. `dir` is the configured `[meta] dir`.
    ///
    /// # Errors
    /// See [`OpenDirError`]. Nothing is changed in a directory that is foreign or in use.
    pub fn open(env: &Env, dir: &Path) -> Result<Self, OpenDirError> {
        let disk = env.disk.clone();
        let path = dir.join(DIR_NAME);
        check_not_foreign(&*disk, dir)?;
        create_durably(&*disk, &path).map_err(|e| open_error("create", &path, e))?;
        check_writable(&*disk, &path).map_err(|e| open_error("write in", &path, e))?;
        let lock = disk.lock(&path.join("LOCK")).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => OpenDirError::Locked { path: path.clone() },
            _ => open_error("lock", &path, e),
        })?;
        prepare_folders(&*disk, &path).map_err(|e| open_error("prepare", &path, e))?;
        disk.sync_dir(dir).map_err(|e| open_error("sync", dir, e))?;

        let data_dir = Self(Arc::new(Inner {
            disk,
            path,
            replace_lock: Mutex::new(()),
            _lock: lock,
        }));
        data_dir.check_identity_exists()?;
        Ok(data_dir)
    }

    /// `<dir>/influxd-meta`.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// A small file whole: `identity`, `seen`. `None` when it does not exist. Blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.0.path.join(name);
        match self.0.disk.open(&path, false) {
            Ok(file) => file.read_all().map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Replaces a small file whole: tmp → fsync → rename → fsync of the folder. Blocks.
    ///
    /// # Errors
    /// What the disk says; the old content or the new one is then in place, never a mixture.
    pub fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let _guard = lock(&self.0.replace_lock);
        replace_file(&*self.0.disk, &self.0.path, name, &[bytes])
    }

    /// Whether any log segment exists. Blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub fn has_log(&self) -> io::Result<bool> {
        let names = self.0.disk.list(&self.wal_dir())?;
        Ok(names.iter().any(|name| super::log::is_segment_name(name)))
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.0.disk
    }

    pub(super) fn wal_dir(&self) -> PathBuf {
        self.0.path.join(WAL)
    }

    pub(super) fn snapshot_dir(&self) -> PathBuf {
        self.0.path.join(SNAP)
    }

    fn check_identity_exists(&self) -> Result<(), OpenDirError> {
        let path = &self.0.path;
        let (disk, io) = (&self.0.disk, |e| open_error("read", path, e));
        let mut state = disk.list(&self.wal_dir()).map_err(io)?;
        state.extend(disk.list(&self.snapshot_dir()).map_err(io)?);
        if state.is_empty() || disk.exists(&path.join("identity")).map_err(io)? {
            return Ok(());
        }
        Err(OpenDirError::NoIdentity { path: path.clone() })
    }
}

/// Writes `parts` as one file: after a crash the old content is there, or the new one, whole.
pub(super) fn replace_file(
    disk: &dyn Disk,
    dir: &Path,
    name: &str,
    parts: &[&[u8]],
) -> io::Result<()> {
    let tmp = dir.join(format!("{name}{TMP}"));
    if let Err(error) = write_synced(disk, &tmp, parts) {
        // On a full disk what was half written must not keep the room that the log may need.
        drop(disk.remove_file(&tmp));
        return Err(error);
    }
    // Safety order: content → name → folder. A name that is durable before its content shows an
    // empty file after a power loss; a rename is not durable before its folder is synced.
    disk.rename(&tmp, &dir.join(name))?;
    disk.sync_dir(dir)
}

fn write_synced(disk: &dyn Disk, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let file = disk.open(path, true)?;
    file.set_len(0)?;
    let mut at = 0;
    for part in parts {
        file.write_at(at, part)?;
        at += part.len() as u64;
    }
    file.sync()
}

/// Whether a name is that of a file which was never finished.
pub(super) fn is_tmp(name: &str) -> bool {
    name.ends_with(TMP)
}

/// Reading changes nothing there, so it comes before the first write.
fn check_not_foreign(disk: &dyn Disk, dir: &Path) -> Result<(), OpenDirError> {
    for name in FOREIGN {
        let path = dir.join(name);
        if disk
            .exists(&path)
            .map_err(|e| open_error("look at", &path, e))?
        {
            return Err(OpenDirError::Foreign { path });
        }
    }
    Ok(())
}

/// Creates a folder and its missing ancestors, each synced into its parent.
fn create_durably(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    if disk.exists(path)? {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_durably(disk, parent)?;
    }
    disk.create_dir_all(path)?;
    disk.sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Permissions, read-only mounts and id maps have too many faces to compute: a file is really
/// created.
fn check_writable(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let probe = path.join(format!("write-test{TMP}"));
    drop(disk.open(&probe, true)?);
    match disk.remove_file(&probe) {
        // Two processes that start at once share the probe; the lock, which comes next, tells them
        // apart.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Folders, and what unfinished writes left behind. Only under the lock: another's tmp file is in
/// use.
fn prepare_folders(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    for name in [WAL, SNAP, OLD] {
        disk.create_dir_all(&path.join(name))?;
    }
    for folder in [path.to_owned(), path.join(WAL), path.join(SNAP)] {
        for name in disk.list(&folder)?.iter().filter(|name| is_tmp(name)) {
            disk.remove_file(&folder.join(name))?;
        }
        // A name that a killed process left in the page cache is not on the disk yet; from here on
        // it is believed (an incarnation is told to others, a log is purged behind a snapshot).
        disk.sync_dir(&folder)?;
    }
    Ok(())
}

fn open_error(operation: &'static str, path: &Path, source: io::Error) -> OpenDirError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenDirError::Denied { path, source }
        }
        _ => OpenDirError::Io {
            operation,
            path,
            source,
        },
    }
}
