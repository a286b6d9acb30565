//! Note of the log entry that is being applied: the file `applying`, beside the log.
//!
//! An entry may cost more memory than the node has. The process then dies while it applies the
//! entry, and again whenever it replays the log. The note counts these deaths, so that the next
//! process can stop before the entry instead. The note is never synced: the page cache outlives a
//! killed process, and a power loss only makes the count begin anew.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DataDir;
use crate::base::{Incarnation, LogId};
use crate::runtime::disk::File;
use crate::wire::attempt_note::{self, ATTEMPT_NOTE_LEN, Attempts};

const NAME: &str = "applying";

/// The note of one volume. Cheap to clone.
#[derive(Clone)]
pub struct AttemptNote(Arc<Inner>);

struct Inner {
    path: PathBuf,
    incarnation: Incarnation,
    /// `None` where the file cannot be used: the node works without it.
    file: Option<Box<dyn File>>,
    /// Attempts of earlier processes.
    unfinished: Option<Attempts>,
}

impl AttemptNote {
    /// Opens the note, and makes its file if there is none, so that no later write needs space.
    /// Blocks. A disk that refuses costs the protection only.
    pub(super) fn open(dir: &DataDir, incarnation: Incarnation) -> Self {
        let path = dir.path().join(NAME);
        let (file, unfinished) = match read(dir, &path) {
            Ok((file, bytes)) => (Some(file), attempt_note::decode(incarnation, &bytes)),
            Err(error) => {
                tracing::warn!(
                    event = "apply-note.unusable", path = %path.display(), %error,
                    "deaths while an entry is applied are not counted"
                );
                (None, None)
            }
        };
        Self(Arc::new(Inner {
            path,
            incarnation,
            file,
            unfinished,
        }))
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the entry that the last process did not finish applying, with the number of
    /// processes in a row that did not.
    pub fn unfinished(&self) -> Option<Attempts> {
        self.0.unfinished
    }

    /// Records that an entry is about to be applied. Blocks for a write into the page cache, which
    /// a slow disk can delay for seconds (writers are throttled, or wait for the journal).
    pub fn begin(&self, entry: LogId, bytes: usize) {
        let before = self.0.unfinished.filter(|before| before.entry == entry);
        self.write(Some(Attempts {
            entry,
            bytes: bytes as u64,
            count: before.map_or(0, |before| before.count).saturating_add(1),
        }));
    }

    /// Records that the entry is applied. Blocks as [`Self::begin`] does.
    pub fn end(&self) {
        self.write(None);
    }

    fn write(&self, attempts: Option<Attempts>) {
        let Some(file) = &self.0.file else { return };
        let note = attempt_note::encode(self.0.incarnation, attempts);
        // An overwrite in place. If it fails, deaths are not counted; the log finds a broken disk
        // by its own writes.
        if let Err(error) = file.write_at(0, &note) {
            tracing::debug!(event = "apply-note.unusable", %error, "not written");
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
