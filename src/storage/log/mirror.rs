//! The un-purged log in memory: what reads see, and what a replay of the records builds.

use std::collections::VecDeque;
use std::ops::Range;

use super::pointers::{Bounds, Pointers, index_of, later};
use crate::base::LogId;
use crate::wire::wal::{Entry, Record, Vote};

/// Pointers and entries. `entries` are consecutive and start right behind `base`.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    pointers: Pointers,
    /// The committed log id is in no record yet: it goes along with whatever is written next.
    committed_is_unwritten: bool,
    /// What the first entry follows. In an open log this is the purge point; while the oldest
    /// segments that are left are replayed it is ahead of it, until the record of the purge that
    /// let the others go.
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
    /// What the log was before the first segment that is left.
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

    /// The record of what was saved since the last one was taken. For who queues it, or writes it,
    /// before anything that comes later: a log must never say that an entry is committed which it
    /// does not have.
    pub(super) fn take_committed_record(&mut self) -> Option<Record> {
        std::mem::take(&mut self.committed_is_unwritten)
            .then_some(Record::Committed(self.pointers.committed))
    }

    /// # Errors
    /// An entry that leaves a hole. Nothing is changed then.
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

    /// An empty log that was never purged may begin anywhere; otherwise there are no holes.
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
            // The lower one: a log that begins behind `last` does not have it.
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

    /// Where the entry of this index is or would be.
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
