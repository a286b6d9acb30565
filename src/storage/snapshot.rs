//! Snapshot files `snap/<term>-<index>`. Each is written whole and durably; the newest two are
//! kept.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::dir::{is_tmp, replace_file};
use super::{AttemptNote, Attempted, DataDir, Noted};
use crate::base::{Incarnation, LogId};
use crate::runtime::{Disk, Env, lock};
pub use crate::wire::snapshot_file::SnapshotHeader;
use crate::wire::snapshot_file::{self, SnapshotFileError};

/// The snapshots of a directory. Cheap to clone.
#[derive(Clone)]
pub struct Snapshots(Arc<Inner>);

struct Inner {
    disk: Arc<dyn Disk>,
    dir: DataDir,
    /// Id of the newest snapshot that is known to be on disk. The lock is held while one is stored:
    /// a snapshot that is built here and one that a leader sends may finish at the same time.
    newest: Mutex<Option<SnapshotId>>,
    /// Files that `open` could not use. Newest first.
    rejected: Vec<SnapshotError>,
    /// Note of the snapshot that is being loaded.
    load_note: AttemptNote,
    /// Held from `open` until `set_loaded`.
    loading: Mutex<Option<Noted>>,
}

/// Number of snapshots that are kept. If the newest is damaged, the log may still reach back to the
/// one before it.
const SNAPSHOTS_KEPT: usize = 2;

/// File name of a snapshot of nothing, which has no log id.
const EMPTY_NAME: &str = "empty";

/// A snapshot file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", .path.display())]
pub struct SnapshotError {
    pub path: PathBuf,
    pub cause: SnapshotErrorCause,
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotErrorCause {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    File(#[from] SnapshotFileError),
    /// The log id in the file is not the one in its name.
    #[error("it says that it ends at {0:?}")]
    Misnamed(Option<LogId>),
}

/// A snapshot that the process does not survive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the process died {deaths} times while it loaded a snapshot ({bytes} bytes, of log entries up \
     to {last}), so it does not load it again and takes no part; members with more memory go on. \
     Give this node more memory, then delete {} and restart it",
    note.display()
)]
pub struct DeadlySnapshot {
    /// Last entry in the snapshot.
    pub last: LogId,
    pub bytes: u64,
    pub deaths: u32,
    /// File to delete for another attempt.
    pub note: PathBuf,
}

/// Reasons why the snapshots of a directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenSnapshotsError {
    /// Two processes in a row died while they loaded a snapshot, from this directory or from a
    /// leader. Nothing was read.
    #[error(transparent)]
    Deadly(#[from] DeadlySnapshot),
    #[error(transparent)]
    Newer(SnapshotError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Snapshots {
    /// Finds and verifies the newest valid snapshot. Blocks. Loading it is noted until
    /// [`Snapshots::set_loaded`]: it may cost more memory than this process has.
    ///
    /// A damaged file is skipped, with a warning and an entry in [`Snapshots::rejected`].
    /// `Log::open` checks whether the log reaches back to an older one.
    ///
    /// # Errors
    /// Errors of the disk, and a file of a newer version: an older snapshot would hide it. Two
    /// processes that died at a snapshot.
    pub fn open(
        env: &Env,
        dir: &DataDir,
        incarnation: Incarnation,
    ) -> Result<(Self, Option<(SnapshotHeader, Bytes)>), OpenSnapshotsError> {
        let load_note = AttemptNote::open(dir, incarnation, Attempted::Snapshot);
        check_not_deadly(&load_note)?;
        let (newest, rejected, loading) = newest_valid(&*env.disk, dir, &load_note)?;
        let known = Mutex::new(newest.as_ref().map(|(header, _)| header.last));
        let inner = Inner {
            disk: env.disk.clone(),
            dir: dir.clone(),
            newest: known,
            rejected,
            load_note,
            loading: Mutex::new(loading),
        };
        Ok((Self(Arc::new(inner)), newest))
    }

    /// Returns the snapshots that `open` found damaged.
    pub fn rejected(&self) -> &[SnapshotError] {
        &self.0.rejected
    }

    /// Records that the snapshot that `open` found is loaded.
    pub fn set_loaded(&self) {
        drop(lock(&self.0.loading).take());
    }

    /// Returns the note of the snapshot that is being loaded.
    pub fn load_note(&self) -> &AttemptNote {
        &self.0.load_note
    }

    /// Stores a snapshot durably, then removes older ones. Blocks.
    ///
    /// # Errors
    /// Errors of the disk. The older snapshots are then still there.
    pub fn store(&self, header: &SnapshotHeader, payload: &Bytes) -> io::Result<()> {
        let mut newest = lock(&self.0.newest);
        let parts = snapshot_file::encode(header, payload);
        let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        let folder = self.0.dir.snapshot_dir();
        replace_file(&*self.0.disk, &folder, &file_name(header.last), &parts)?;
        *newest = (*newest).max(Some(header.last));
        // Safety order: the new snapshot is durable before an older one is removed. In the other
        // order a crash could leave none, and the log that they cover is purged.
        for (_, path) in newest_first(&*self.0.disk, &self.0.dir)?
            .iter()
            .skip(SNAPSHOTS_KEPT)
        {
            self.0.disk.remove_file(path)?;
        }
        self.0.disk.sync_dir(&folder)
    }

    /// Reads the newest snapshot again, to send it to a follower. Blocks.
    ///
    /// # Errors
    /// The file cannot be read any more. An older snapshot is not used instead: the log may be
    /// purged beyond it. A follower that received it would lag as before, and would be sent it
    /// again and again.
    pub fn latest(&self) -> Result<Option<(SnapshotHeader, Bytes)>, SnapshotError> {
        let newest = lock(&self.0.newest);
        let Some(last) = *newest else { return Ok(None) };
        let path = self.0.dir.snapshot_dir().join(file_name(last));
        let file = self
            .0
            .disk
            .open(&path, false)
            .and_then(|file| file.read_all());
        let read = file.map_err(SnapshotErrorCause::Io);
        match read.and_then(|file| decode(&Bytes::from(file), last)) {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(cause) => Err(SnapshotError { path, cause }),
        }
    }
}

/// Last log id of a snapshot, from which its file name is made.
type SnapshotId = Option<LogId>;

type SnapshotFiles = Vec<(SnapshotId, PathBuf)>;

type NewestSnapshot = Option<(SnapshotHeader, Bytes)>;

fn check_not_deadly(note: &AttemptNote) -> Result<(), DeadlySnapshot> {
    note.deadly().map_or(Ok(()), |attempts| {
        Err(DeadlySnapshot {
            last: attempts.entry,
            bytes: attempts.bytes,
            deaths: attempts.count,
            note: note.path().to_owned(),
        })
    })
}

/// Returns the newest valid snapshot, the files that were skipped, and the note of the load, which
/// goes on.
fn newest_valid(
    disk: &dyn Disk,
    dir: &DataDir,
    note: &AttemptNote,
) -> Result<(NewestSnapshot, Vec<SnapshotError>, Option<Noted>), OpenSnapshotsError> {
    let mut rejected = Vec::new();
    for (last, path) in newest_first(disk, dir)? {
        let file = disk.open(&path, false)?;
        let noted = note.hold(last.unwrap_or_default(), file.size()?);
        let file = Bytes::from(file.read_all()?);
        let cause = match decode(&file, last) {
            Ok(found) => return Ok((Some(found), rejected, Some(noted))),
            Err(cause @ SnapshotErrorCause::File(SnapshotFileError::Newer { .. })) => {
                return Err(OpenSnapshotsError::Newer(SnapshotError { path, cause }));
            }
            Err(cause) => cause,
        };
        tracing::warn!(
            path = %path.display(), why = cause.to_string(),
            "a snapshot is damaged; looking for an older one"
        );
        rejected.push(SnapshotError { path, cause });
    }
    Ok((None, rejected, None))
}

fn decode(file: &Bytes, last: SnapshotId) -> Result<(SnapshotHeader, Bytes), SnapshotErrorCause> {
    let (header, payload) = snapshot_file::decode(file)?;
    if header.last == last {
        Ok((header, payload))
    } else {
        Err(SnapshotErrorCause::Misnamed(header.last))
    }
}

fn newest_first(disk: &dyn Disk, dir: &DataDir) -> io::Result<SnapshotFiles> {
    let folder = dir.snapshot_dir();
    let names = disk.list(&folder)?;
    let named = names.iter().filter(|name| !is_tmp(name));
    let mut found: SnapshotFiles = named
        .filter_map(|name| Some((parse_name(name)?, folder.join(name))))
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.0));
    Ok(found)
}

fn file_name(last: Option<LogId>) -> String {
    last.map_or_else(|| EMPTY_NAME.to_owned(), |id| id.to_string())
}

fn parse_name(name: &str) -> Option<Option<LogId>> {
    if name == EMPTY_NAME {
        return Some(None);
    }
    let (term, index) = name.split_once('-')?;
    Some(Some(LogId {
        term: term.parse().ok()?,
        index: index.parse().ok()?,
    }))
}
