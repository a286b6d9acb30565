//! The log in memory, from the purge point on: the source of reads, and the result of replaying the
//! records.

use std::collections::VecDeque;
use std::ops::Range;

use super::pointers::{Bounds, Pointers, index_of, later};
use crate::base::LogId;
use crate::wire::wal::{Entry, Record, Vote};

/// Pointers and entries. `entries` are consecutive and start directly after `base`.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    pointers: Pointers,
    /// Set while the committed log id is in no record. It is written with the next records.
    committed_is_unwritten: bool,
    /// Log id directly before the first entry. In an open log this is the purge point. During a
    /// replay it may be ahead of the purge point, until the record of the purge is replayed that
    /// allowed the older segments to be unlinked.
    base: Option<LogId>,
    entries: VecDeque<Entry>,
    bytes: u64,
}

/// An entry that does not follow the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry} follows {last}")]
pub struct Hole {
    pub entry: LogId,
    pub last: LogId,
}

/// Entries that were in unlinked segments and that no purge covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostEntries {
    pub(super) after: Option<LogId>,
    pub(super) upto: LogId,
}

impl Mirror {
    /// Creates the mirror of the log as it was before the first remaining segment.
    pub(super) fn starting_at(pointers: Pointers) -> Self {
        let base = later(pointers.last, pointers.purged);
        Self {
            pointers: Pointers {
                last: base,
                ..pointers
            },
            base,
            ..Self::default()
        }
    }

    pub(super) fn pointers(&self) -> Pointers {
        self.pointers
    }

    pub(super) fn vote(&self) -> Option<Vote> {
        self.pointers.vote
    }

    pub(super) fn committed(&self) -> Option<LogId> {
        self.pointers.committed
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.pointers.bounds()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn lost_entries(&self) -> Option<LostEntries> {
        let (after, upto) = (self.pointers.purged, self.base?);
        (Some(upto.index) > index_of(after)).then_some(LostEntries { after, upto })
    }

    pub(super) fn read(&self, range: Range<u64>, max_bytes: usize) -> Vec<Entry> {
        let Some(first) = self.entries.front().map(|entry| entry.log_id.index) else {
            return Vec::new();
        };
        let from = self.position(range.start.max(first));
        let to = self.position(range.end);
        let mut bytes = 0;
        let mut found = Vec::new();
        for entry in self.entries.range(from.min(to)..to) {
            bytes += entry.payload.len();
            if bytes > max_bytes && !found.is_empty() {
                break;
            }
            found.push(entry.clone());
        }
        found
    }

    pub(super) fn save_committed(&mut self, committed: Option<LogId>) {
        self.pointers.committed = committed;
        self.committed_is_unwritten = true;
    }

    /// Returns the record of the committed log id, if it was saved since the last call. The caller
    /// must queue or write it before anything that comes later: a log must never say that an entry
    /// is committed which it does not have.
    pub(super) fn take_committed_record(&mut self) -> Option<Record> {
        std::mem::take(&mut self.committed_is_unwritten)
            .then_some(Record::Committed(self.pointers.committed))
    }

    /// Applies one record.
    ///
    /// # Errors
    /// The entry leaves a hole. Nothing is changed then.
    pub(super) fn apply(&mut self, record: Record) -> Result<(), Hole> {
        if let Record::Entry(entry) = &record {
            self.check_follows(entry)?;
        }
        self.pointers.apply(&record);
        match record {
            Record::Entry(entry) => {
                self.bytes += entry.payload.len() as u64;
                self.entries.push_back(entry);
            }
            Record::TruncateAfter(last) => self.drop_after(last),
            Record::Purge(upto) => self.drop_upto(upto),
            Record::Vote(_) | Record::Committed(_) | Record::DurabilityMark { .. } => {}
        }
        Ok(())
    }

    /// Checks that an entry follows the last one. Only an empty log that was never purged may begin
    /// anywhere.
    fn check_follows(&self, entry: &Entry) -> Result<(), Hole> {
        match self.pointers.last {
            Some(last) if entry.log_id.index != last.index + 1 => Err(Hole {
                entry: entry.log_id,
                last,
            }),
            _ => Ok(()),
        }
    }

    fn drop_after(&mut self, last: Option<LogId>) {
        let keeps = |entry: &Entry| last.is_some_and(|last| entry.log_id.index <= last.index);
        while let Some(entry) = self.entries.pop_back_if(|entry| !keeps(entry)) {
            self.bytes -= entry.payload.len() as u64;
        }
        if self.entries.is_empty() {
            // The lower of the two: a log that begins after `last` does not have `last`.
            self.base = earlier(self.base, self.pointers.last);
            self.pointers.last = self.base;
        }
    }

    fn drop_upto(&mut self, upto: LogId) {
        while let Some(entry) = self
            .entries
            .pop_front_if(|entry| entry.log_id.index <= upto.index)
        {
            self.bytes -= entry.payload.len() as u64;
        }
        self.base = later(Some(upto), self.base);
    }

    /// Position in `entries` where the entry of this index is or would be.
    fn position(&self, index: u64) -> usize {
        let first = self.entries.front().map_or(0, |entry| entry.log_id.index);
        let offset = usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX);
        offset.min(self.entries.len())
    }
}

/// The log id with the lower index; `a` if they are equal.
fn earlier(a: Option<LogId>, b: Option<LogId>) -> Option<LogId> {
    if index_of(a) <= index_of(b) { a } else { b }
}
