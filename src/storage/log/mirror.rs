//! The un-purged log in memory: what reads see, and what a replay of the records builds.

use std::collections::VecDeque;
use std::ops::Range;

use super::Bounds;
use super::pointers::index;
use crate::base::LogId;
use crate::wire::wal::{Entry, Record, Vote};

/// Vote, pointers and entries. `entries` are consecutive and start right behind `base`.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    /// `committed` is in no record yet: it goes along with whatever is written next.
    unwritten: bool,
    pub(super) purged: Option<LogId>,
    /// What the first entry follows. In an open log this is `purged`; while the oldest segments
    /// that are left are replayed it is ahead of it, until the record of the purge that let the
    /// others go.
    base: Option<LogId>,
    entries: VecDeque<Entry>,
    bytes: u64,
}

impl Mirror {
    /// What the log was before the first segment that is left.
    pub(super) fn before(
        vote: Option<Vote>,
        committed: Option<LogId>,
        purged: Option<LogId>,
        last: Option<LogId>,
    ) -> Self {
        Self {
            vote,
            committed,
            purged,
            base: further(last, purged),
            ..Self::default()
        }
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            purged: self.purged,
            last: self.last(),
        }
    }

    pub(super) fn last(&self) -> Option<LogId> {
        self.entries
            .back()
            .map_or(self.base, |entry| Some(entry.log_id))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Entries that were in unlinked segments and that no purge covers: they are lost.
    pub(super) fn missing(&self) -> Option<(Option<LogId>, LogId)> {
        let base = self.base?;
        (index(self.base) > index(self.purged)).then_some((self.purged, base))
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
        (self.committed, self.unwritten) = (committed, true);
    }

    /// The record of what was saved since the last one was taken. For who queues it, or writes it,
    /// before anything that comes later: a log must never say that an entry is committed which it
    /// does not have.
    pub(super) fn take_committed(&mut self) -> Option<Record> {
        std::mem::take(&mut self.unwritten).then_some(Record::Committed(self.committed))
    }

    /// # Errors
    /// A record that no sequence of ours leads to, in words.
    pub(super) fn apply(&mut self, record: Record) -> Result<(), String> {
        match record {
            Record::Vote(vote) => self.vote = Some(vote),
            Record::Committed(committed) => self.committed = committed,
            Record::Entry(entry) => self.append(entry)?,
            Record::TruncateAfter(last) => self.truncate_after(last),
            Record::Purge(upto) => self.purge(upto),
            Record::Mark { .. } => {}
        }
        Ok(())
    }

    /// An empty log that was never purged may begin anywhere; otherwise there are no holes.
    fn append(&mut self, entry: Entry) -> Result<(), String> {
        if let Some(last) = self.last()
            && entry.log_id.index != last.index + 1
        {
            return Err(format!("entry {} follows {last}", entry.log_id));
        }
        self.bytes += entry.payload.len() as u64;
        self.entries.push_back(entry);
        Ok(())
    }

    fn truncate_after(&mut self, last: Option<LogId>) {
        let keeps = |entry: &Entry| last.is_some_and(|last| entry.log_id.index <= last.index);
        while let Some(entry) = self.entries.pop_back_if(|entry| !keeps(entry)) {
            self.bytes -= entry.payload.len() as u64;
        }
        let kept = further(last, self.purged);
        if self.entries.is_empty() && index(kept) < index(self.base) {
            self.base = kept;
        }
    }

    fn purge(&mut self, upto: LogId) {
        while let Some(entry) = self
            .entries
            .pop_front_if(|entry| entry.log_id.index <= upto.index)
        {
            self.bytes -= entry.payload.len() as u64;
        }
        self.purged = further(Some(upto), self.purged);
        self.base = further(Some(upto), self.base);
    }

    /// Where the entry of this index is or would be.
    fn position(&self, index: u64) -> usize {
        let first = self.entries.front().map_or(0, |entry| entry.log_id.index);
        let offset = usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX);
        offset.min(self.entries.len())
    }
}

/// The one with the higher index: a place in the log, whatever term wrote there.
fn further(a: Option<LogId>, b: Option<LogId>) -> Option<LogId> {
    if index(a) >= index(b) { a } else { b }
}
