//! The directory `<dir>/influxd-meta/`: its lock, its folders, and small files that are replaced
//! atomically.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::log::{LogConfig, is_full};
use super::{AttemptNote, Attempted};
use crate::runtime::disk::{Disk, Lock};
use crate::runtime::{Env, lock};

/// The locked data directory. Dropping the last clone releases the lock; an open [`super::Log`]
/// holds a clone.
#[derive(Clone)]
pub struct DataDir(Arc<Inner>);

struct Inner {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Size of the volume.
    volume_bytes: u64,
    /// Held while a small file is replaced: two writers of one name would share its temporary file.
    replace_lock: Mutex<()>,
    /// Open notes.
    notes: Mutex<BTreeMap<Attempted, AttemptNote>>,
    _lock: Box<dyn Lock>,
}

/// Reasons why the directory cannot be used. `app` maps each to an exit code (errors.md, "Exit
/// codes").
#[derive(Debug, thiserror::Error)]
pub enum OpenDirError {
    /// The directory contains `raft.db` or `peers.json`: exit 65.
    #[error("{path} is data of another meta node program")]
    Foreign { path: PathBuf },
    /// The directory contains a log or a snapshot, but no `identity`: exit 65.
    #[error("{path} holds a log or snapshot but no identity: a damaged directory")]
    NoIdentity { path: PathBuf },
    /// Another process holds the lock: exit 73.
    #[error("{path} is in use by another process")]
    Locked { path: PathBuf },
    /// This uid cannot write there: exit 77; the message says how to change that.
    #[error("{path} cannot be written: {source}")]
    Denied { path: PathBuf, source: io::Error },
    /// There is no room for a new node. Nothing was founded or joined: exit 74.
    #[error(
        "{path} is on a volume of {size} bytes with {free} bytes free: a new node needs a volume of \
         {MIN_VOLUME_BYTES} bytes or more, and {needed} bytes free on this one"
    )]
    TooSmall {
        path: PathBuf,
        size: u64,
        free: u64,
        needed: u64,
    },
    /// Any other error: exit 74.
    #[error("{operation} {path}: {source}")]
    Io {
        operation: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

/// Size of the smallest volume on which a new node begins: 8 MiB.
const MIN_VOLUME_BYTES: u64 = 8 << 20;

const DIR_NAME: &str = "influxd-meta";
const WAL: &str = "wal";
const SNAP: &str = "snap";
const OLD: &str = "old";
/// Names of files that other meta node programs keep in their `dir`.
const FOREIGN: [&str; 2] = ["raft.db", "peers.json"];
/// Suffix of a file that is being written. A file that still has it was never finished.
const TMP: &str = ".tmp";

impl DataDir {
    /// Creates what is missing and takes the lock. Blocks. `dir` is the configured `[meta] dir`.
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

        let volume_bytes = disk
            .size(&path)
            .map_err(|e| open_error("look at", &path, e))?;
        let data_dir = Self(Arc::new(Inner {
            disk,
            path,
            volume_bytes,
            replace_lock: Mutex::new(()),
            notes: Mutex::default(),
            _lock: lock,
        }));
        if !data_dir.check_identity_exists()? {
            data_dir.check_room()?;
        }
        Ok(data_dir)
    }

    pub(super) fn add_note(&self, attempted: Attempted, note: AttemptNote) {
        lock(&self.0.notes).insert(attempted, note);
    }

    /// Records that this process ends in order. What it applies or loads at this moment does not
    /// count as the death of a process. Blocks for two writes into the page cache.
    pub fn close_notes(&self) {
        lock(&self.0.notes).values().for_each(AttemptNote::close);
    }

    /// Returns `<dir>/influxd-meta`.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Reads a whole small file (`identity`, `seen`). Returns `None` if it does not exist. Blocks.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.0.path.join(name);
        match self.0.disk.open(&path, false) {
            Ok(file) => file.read_all().map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Replaces a whole small file: temporary file → fsync → rename → fsync of the folder. Blocks.
    ///
    /// # Errors
    /// Errors of the disk. The file then has its old content or the new one, never a mixture.
    pub fn store(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let _guard = lock(&self.0.replace_lock);
        replace_file(&*self.0.disk, &self.0.path, name, &[bytes])
    }

    /// Returns whether any log segment exists. Blocks.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn has_log(&self) -> io::Result<bool> {
        let names = self.0.disk.list(&self.wal_dir())?;
        Ok(names.iter().any(|name| super::log::is_segment_name(name)))
    }

    pub(super) fn replace_lock(&self) -> &Mutex<()> {
        &self.0.replace_lock
    }

    /// Payload bytes that the log may hold before a snapshot replaces them: two segments, 16 MiB
    /// unless the volume is small.
    pub fn max_log_bytes(&self) -> u64 {
        2 * self.log_config().segment_bytes
    }

    pub(super) fn log_config(&self) -> LogConfig {
        LogConfig::for_volume(self.0.volume_bytes)
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

    /// Returns whether there is an identity. A log without one is an error.
    fn check_identity_exists(&self) -> Result<bool, OpenDirError> {
        let path = &self.0.path;
        let (disk, io) = (&self.0.disk, |e| open_error("read", path, e));
        let mut state = disk.list(&self.wal_dir()).map_err(io)?;
        state.extend(disk.list(&self.snapshot_dir()).map_err(io)?);
        let exists = disk.exists(&path.join("identity")).map_err(io)?;
        if state.is_empty() || exists {
            return Ok(exists);
        }
        Err(OpenDirError::NoIdentity { path: path.clone() })
    }

    /// Checks that a new node has room to work, before it founds or joins a cluster. A node that is
    /// in one starts on a full disk too.
    fn check_room(&self) -> Result<(), OpenDirError> {
        let Inner { disk, path, .. } = &*self.0;
        let free = disk
            .available(path)
            .map_err(|e| open_error("look at", path, e))?;
        let needed = self.log_config().bytes_to_begin();
        let size = self.0.volume_bytes;
        if size >= MIN_VOLUME_BYTES && free >= needed {
            return Ok(());
        }
        Err(OpenDirError::TooSmall {
            path: path.clone(),
            size,
            free,
            needed,
        })
    }
}

/// Writes `parts` as one file. After a crash the file has its old content or all of the new one.
pub(super) fn replace_file(
    disk: &dyn Disk,
    dir: &Path,
    name: &str,
    parts: &[&[u8]],
) -> io::Result<()> {
    let tmp = dir.join(format!("{name}{TMP}"));
    if let Err(error) = write_synced(disk, &tmp, parts) {
        // On a full disk a half-written file must not occupy space that the log may need.
        drop(disk.remove_file(&tmp));
        return Err(error);
    }
    // Safety order: sync the content, then rename, then sync the folder. Renamed before its content
    // is synced, the file could be empty after a power loss. Without the sync of the folder the
    // rename itself may be lost although it was reported to the caller as durable.
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

/// Returns whether a name belongs to a file that was never finished.
pub(super) fn is_tmp(name: &str) -> bool {
    name.ends_with(TMP)
}

/// Refuses a directory of another program. Comes before the first write, because it only reads.
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

/// Creates a folder and its missing ancestors. Each is synced into its parent.
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

/// Creates a file and removes it. Permissions, read-only mounts and id maps are too many cases to
/// compute.
fn check_writable(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let probe = path.join(format!("write-test{TMP}"));
    match disk.open(&probe, true) {
        Ok(file) => drop(file),
        // A full disk is no missing permission: a node of a cluster starts on it.
        Err(error) if is_full(&error) => return Ok(()),
        Err(error) => return Err(error),
    }
    match disk.remove_file(&probe) {
        // Two processes that start at once share the probe; the lock, which comes next, decides
        // between them.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Creates the folders and removes what unfinished writes left behind. Only under the lock: a
/// temporary file of another process is in use.
fn prepare_folders(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    for name in [WAL, SNAP, OLD] {
        disk.create_dir_all(&path.join(name))?;
    }
    for folder in [path.to_owned(), path.join(WAL), path.join(SNAP)] {
        for name in disk.list(&folder)?.iter().filter(|name| is_tmp(name)) {
            disk.remove_file(&folder.join(name))?;
        }
        // Safety order: sync the folder before anything in it is used. A process that was killed
        // may have left a name in the page cache only. From here on the name counts: other nodes
        // learn the incarnation, and the log is purged up to a snapshot. A power loss could then
        // take what others rely on.
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
