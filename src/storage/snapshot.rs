//! Snapshot files: `snap/<term>-<index>`, written whole and durably; the newest two are kept.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::DataDir;
use super::dir::{is_tmp, store_whole};
use crate::base::LogId;
use crate::runtime::{Disk, Env, lock};
pub use crate::wire::snapshot_file::SnapshotHeader;
use crate::wire::snapshot_file::{self, SnapshotFileError};

/// The snapshots of a directory. Cheap to clone.
#[derive(Clone)]
pub struct Snapshots(Arc<Inner>);

struct Inner {
    disk: Arc<dyn Disk>,
    dir: DataDir,
    /// The newest one that is known to be there. Held while storing, one at a time: one that is
    /// built here and one that a leader sends may finish together.
    newest: Mutex<Option<Stored>>,
    /// What `open` could not use, in words. Newest first.
    rejected: Vec<String>,
}

/// The newest, and the one before it: should the newest rot, the log may still reach back to the
/// other.
const SNAPSHOTS_KEPT: usize = 2;

/// A snapshot of nothing: it has no log id to be named by.
const EMPTY: &str = "empty";

impl Snapshots {
    /// Finds and verifies the newest valid snapshot. Blocks. A damaged one is passed over, said in
    /// the log and in [`Snapshots::rejected`]; whether the log reaches back to an older one
    /// `Log::open` judges.
    ///
    /// # Errors
    /// What the disk says, and `Unsupported` for a file of a newer version: an older snapshot would
    /// hide it.
    pub fn open(env: &Env, dir: &DataDir) -> io::Result<(Self, Option<(SnapshotHeader, Bytes)>)> {
        let (newest, rejected) = newest_valid(&*env.disk, dir)?;
        let known = Mutex::new(newest.as_ref().map(|(header, _)| header.last));
        let inner = Inner {
            disk: env.disk.clone(),
            dir: dir.clone(),
            newest: known,
            rejected,
        };
        Ok((Self(Arc::new(inner)), newest))
    }

    /// Snapshots that `open` found damaged.
    pub fn rejected(&self) -> &[String] {
        &self.0.rejected
    }

    /// Stores durably, then removes older ones. Blocks.
    ///
    /// # Errors
    /// What the disk says; the older ones are then still there.
    pub fn store(&self, header: &SnapshotHeader, payload: &Bytes) -> io::Result<()> {
        let mut newest = lock(&self.0.newest);
        let parts = snapshot_file::encode(header, payload);
        let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        let folder = self.0.dir.snap();
        store_whole(&*self.0.disk, &folder, &name(header.last), &parts)?;
        *newest = (*newest).max(Some(header.last));
        // Safety order: the new one is durable before an older one goes.
        for (_, path) in newest_first(&*self.0.disk, &self.0.dir)?
            .iter()
            .skip(SNAPSHOTS_KEPT)
        {
            self.0.disk.remove_file(path)?;
        }
        self.0.disk.sync_dir(&folder)
    }

    /// Reads the newest again (for sending it to a follower). Blocks.
    ///
    /// # Errors
    /// It cannot be read any more. There is no falling back to an older one here: the log may be
    /// purged beyond that, and a follower that is sent it would lag as before, and be sent it
    /// again, for ever.
    pub fn latest(&self) -> io::Result<Option<(SnapshotHeader, Bytes)>> {
        let newest = lock(&self.0.newest);
        let Some(last) = *newest else { return Ok(None) };
        let path = self.0.dir.snap().join(name(last));
        let file = self
            .0
            .disk
            .open(&path, false)
            .and_then(|file| file.read_all());
        let in_words =
            |kind, why: String| io::Error::new(kind, format!("{}: {why}", path.display()));
        let file = Bytes::from(file.map_err(|e| in_words(e.kind(), e.to_string()))?);
        decode(&file, last)
            .map(Some)
            .map_err(|why| in_words(io::ErrorKind::InvalidData, why.to_string()))
    }
}

/// What a snapshot is named by.
type Stored = Option<LogId>;

type Found = Vec<(Stored, PathBuf)>;

type Newest = Option<(SnapshotHeader, Bytes)>;

/// And why others were passed over.
fn newest_valid(disk: &dyn Disk, dir: &DataDir) -> io::Result<(Newest, Vec<String>)> {
    let mut rejected = Vec::new();
    for (last, path) in newest_first(disk, dir)? {
        let file = Bytes::from(disk.open(&path, false)?.read_all()?);
        let why = match decode(&file, last) {
            Ok(found) => return Ok((Some(found), rejected)),
            Err(Unusable::File(error @ SnapshotFileError::Newer { .. })) => {
                let text = format!("{}: {error}", path.display());
                return Err(io::Error::new(io::ErrorKind::Unsupported, text));
            }
            Err(error) => error.to_string(),
        };
        tracing::warn!(path = %path.display(), why, "a snapshot is damaged; looking for an older one");
        rejected.push(format!("{}: {why}", path.display()));
    }
    Ok((None, rejected))
}

/// Why a file is not the snapshot that its name says.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    File(#[from] SnapshotFileError),
    #[error("it says that it ends at {0:?}")]
    Misnamed(Option<LogId>),
}

fn decode(file: &Bytes, last: Stored) -> Result<(SnapshotHeader, Bytes), Unusable> {
    let (header, payload) = snapshot_file::decode(file)?;
    if header.last == last {
        Ok((header, payload))
    } else {
        Err(Unusable::Misnamed(header.last))
    }
}

fn newest_first(disk: &dyn Disk, dir: &DataDir) -> io::Result<Found> {
    let folder = dir.snap();
    let names = disk.list(&folder)?;
    let named = names.iter().filter(|name| !is_tmp(name));
    let mut found: Found = named
        .filter_map(|name| Some((parse(name)?, folder.join(name))))
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.0));
    Ok(found)
}

fn name(last: Option<LogId>) -> String {
    last.map_or_else(|| EMPTY.to_owned(), |id| id.to_string())
}

fn parse(name: &str) -> Option<Option<LogId>> {
    if name == EMPTY {
        return Some(None);
    }
    let (term, index) = name.split_once('-')?;
    Some(Some(LogId {
        term: term.parse().ok()?,
        index: index.parse().ok()?,
    }))
}
