//! Notes of the log entry that is being applied and of the snapshot that is being loaded: the files
//! `applying` and `loading`, beside the log.
//!
//! An entry or a snapshot may cost more memory than the node has. The process then dies, and again
//! whenever it replays the log or loads the snapshot. The note counts these deaths, so that the next
//! process can stop before the attempt instead. The note is never synced: the page cache outlives a
//! killed process, and a power loss only makes the count begin anew.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::DataDir;
use crate::base::{Incarnation, LogId};
use crate::runtime::disk::File;
use crate::runtime::lock;
use crate::wire::attempt_note::{self, ATTEMPT_NOTE_LEN, Attempts};

/// Number of processes that may die during the same attempt.
const MAX_DEATHS: u32 = 2;

/// Object of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attempted {
    /// An entry is applied. Deaths at another entry do not count.
    Entry,
    /// A snapshot is loaded. Deaths at any snapshot count: a leader may send another one to each
    /// process.
    Snapshot,
}

impl Attempted {
    const fn file_name(self) -> &'static str {
        match self {
            Self::Entry => "applying",
            Self::Snapshot => "loading",
        }
    }
}

/// The note of one volume. Cheap to clone.
#[derive(Clone)]
pub struct AttemptNote(Arc<Inner>);

/// Removes the note when it is dropped. A panic does not: the process ends before.
#[must_use]
pub struct Noted(AttemptNote);

struct Inner {
    attempted: Attempted,
    path: PathBuf,
    incarnation: Incarnation,
    /// `None` where the file cannot be used: the node works without it.
    file: Option<Box<dyn File>>,
    /// Attempts of earlier processes.
    unfinished: Option<Attempts>,
    /// Set when the deaths of earlier processes do not count any more.
    is_over: AtomicBool,
    /// Set when the process is about to end in order: no attempt is noted any more. The lock is held
    /// while the note is written.
    is_closed: Mutex<bool>,
}

impl AttemptNote {
    /// Opens the note, and makes its file if there is none, so that no later write needs space.
    /// Blocks. A disk that refuses costs the protection only.
    pub(super) fn open(dir: &DataDir, incarnation: Incarnation, attempted: Attempted) -> Self {
        let path = dir.path().join(attempted.file_name());
        let (file, unfinished) = match read(dir, &path) {
            Ok((file, bytes)) => (Some(file), attempt_note::decode(incarnation, &bytes)),
            Err(error) => {
                tracing::warn!(
                    event = "apply-note.unusable", path = %path.display(), %error,
                    "deaths while an entry is applied or a snapshot is loaded are not counted"
                );
                (None, None)
            }
        };
        let note = Self(Arc::new(Inner {
            attempted,
            path,
            incarnation,
            file,
            unfinished,
            is_over: AtomicBool::new(false),
            is_closed: Mutex::new(false),
        }));
        dir.add_note(attempted, note.clone());
        note
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the attempt that the last process did not finish, with the number of processes in a
    /// row that did not.
    pub fn unfinished(&self) -> Option<Attempts> {
        self.0.unfinished
    }

    /// Returns the unfinished attempt, if so many processes died of it that it must not be repeated.
    pub fn deadly(&self) -> Option<Attempts> {
        let unfinished = self.unfinished();
        unfinished.filter(|attempts| attempts.count >= MAX_DEATHS)
    }

    /// Records that an attempt begins: to apply this entry, or to load a snapshot that ends with
    /// it. Blocks for a write into the page cache, which a slow disk can delay for seconds (writers
    /// are throttled, or wait for the journal).
    pub fn begin(&self, entry: LogId, bytes: u64) {
        let deaths = self
            .unfinished()
            .filter(|before| self.is_same(*before, entry));
        self.write(Some(Attempts {
            entry,
            bytes,
            count: deaths.map_or(0, |before| before.count).saturating_add(1),
        }));
    }

    /// Like [`AttemptNote::begin`]; the attempt ends when the returned value is dropped.
    pub fn hold(&self, entry: LogId, bytes: u64) -> Noted {
        self.begin(entry, bytes);
        Noted(self.clone())
    }

    /// Records that the attempt has ended. Blocks as [`Self::begin`] does.
    pub fn end(&self) {
        self.write(None);
    }

    /// Forgets the deaths of earlier processes: this one has done what they died of.
    pub fn forget_deaths(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }

    /// Ends the attempt, and notes no further one. The process is about to end in order, maybe in
    /// the middle of an attempt that cannot be interrupted, and that is no death.
    pub(super) fn close(&self) {
        let mut is_closed = lock(&self.0.is_closed);
        if !*is_closed {
            self.overwrite(None);
            *is_closed = true;
        }
    }

    fn is_same(&self, before: Attempts, entry: LogId) -> bool {
        match self.0.attempted {
            Attempted::Entry => before.entry == entry,
            Attempted::Snapshot => !self.0.is_over.load(Ordering::Relaxed),
        }
    }

    fn write(&self, attempts: Option<Attempts>) {
        let is_closed = lock(&self.0.is_closed);
        if !*is_closed {
            self.overwrite(attempts);
        }
    }

    fn overwrite(&self, attempts: Option<Attempts>) {
        let Some(file) = &self.0.file else { return };
        let note = attempt_note::encode(self.0.incarnation, attempts);
        // An overwrite in place. If it fails, deaths are not counted; the log finds a broken disk
        // by its own writes.
        if let Err(error) = file.write_at(0, &note) {
            tracing::debug!(event = "apply-note.unusable", %error, "not written");
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.end();
        }
    }
}

fn read(dir: &DataDir, path: &Path) -> io::Result<(Box<dyn File>, Vec<u8>)> {
    let file = dir.disk().open(path, true)?;
    let mut bytes = file.read_all()?;
    if bytes.len() < ATTEMPT_NOTE_LEN {
        bytes = vec![0; ATTEMPT_NOTE_LEN];
        file.write_at(0, &bytes)?;
        // Synced once: the later overwrites need no new space.
        file.sync()?;
        dir.disk().sync_dir(dir.path())?;
    }
    Ok((file, bytes))
}
