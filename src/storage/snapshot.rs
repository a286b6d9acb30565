//! Snapshot files: `snap/<term>-<index>`, written whole and durably; the newest two are kept.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::DataDir;
use super::dir::{is_tmp, store_whole};
use crate::base::LogId;
use crate::runtime::{Disk, Env};
pub use crate::wire::snapshot_file::SnapshotHeader;
use crate::wire::snapshot_file::{self, SnapshotFileError};

/// The snapshots of a directory. Cheap to clone.
#[derive(Clone)]
pub struct Snapshots(Arc<Inner>);

struct Inner {
    disk: Arc<dyn Disk>,
    dir: DataDir,
    /// One at a time: one that is built here and one that a leader sends may finish together.
    storing: Mutex<()>,
    /// What `open` could not use, in words. Newest first.
    rejected: Vec<String>,
}

/// The newest, and the one before it: should the newest rot, the log may still reach back to the other.
const KEEP: usize = 2;

/// A snapshot of nothing: it has no log id to be named by.
const EMPTY: &str = "empty";

impl Snapshots {
    /// Finds and verifies the newest valid snapshot. Blocks. A damaged one is passed over, said in the log
    /// and in [`Snapshots::rejected`]; whether the log reaches back to an older one `Log::open` judges.
    ///
    /// # Errors
    /// What the disk says, and `Unsupported` for a file of a newer version: an older snapshot would hide it.
    pub fn open(env: &Env, dir: &DataDir) -> io::Result<(Self, Option<(SnapshotHeader, Bytes)>)> {
        let (newest, rejected) = newest_valid(&*env.disk, dir)?;
        let inner = Inner { disk: env.disk.clone(), dir: dir.clone(), storing: Mutex::new(()), rejected };
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
        let _one = self.0.storing.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = snapshot_file::encode(header, payload);
        let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        let folder = self.0.dir.snap();
        store_whole(&*self.0.disk, &folder, &name(header.last), &parts)?;
        // Safety order: the new one is durable before an older one goes.
        for (_, path) in newest_first(&*self.0.disk, &self.0.dir)?.iter().skip(KEEP) {
            self.0.disk.remove_file(path)?;
        }
        self.0.disk.sync_dir(&folder)
    }

    /// Reads the newest again (for sending it to a follower). Blocks.
    ///
    /// # Errors
    /// As `open`.
    pub fn latest(&self) -> io::Result<Option<(SnapshotHeader, Bytes)>> {
        let _one = self.0.storing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(newest_valid(&*self.0.disk, &self.0.dir)?.0)
    }
}

type Found = Vec<(Option<LogId>, PathBuf)>;

type Newest = Option<(SnapshotHeader, Bytes)>;

/// And why others were passed over.
fn newest_valid(disk: &dyn Disk, dir: &DataDir) -> io::Result<(Newest, Vec<String>)> {
    let mut rejected = Vec::new();
    for (last, path) in newest_first(disk, dir)? {
        let file = Bytes::from(disk.open(&path, false)?.read_all()?);
        let why = match snapshot_file::decode(&file) {
            Ok((header, payload)) if header.last == last => return Ok((Some((header, payload)), rejected)),
            Ok((header, _)) => format!("it says that it ends at {:?}", header.last),
            Err(error @ SnapshotFileError::Newer { .. }) => {
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

fn newest_first(disk: &dyn Disk, dir: &DataDir) -> io::Result<Found> {
    let folder = dir.snap();
    let names = disk.list(&folder)?;
    let named = names.iter().filter(|name| !is_tmp(name));
    let mut found: Found = named.filter_map(|name| Some((parse(name)?, folder.join(name)))).collect();
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
    Some(Some(LogId { term: term.parse().ok()?, index: index.parse().ok()? }))
}
