//! The log's pointers at one place of the stream: what the head of a segment repeats.

use super::mirror::Mirror;
use crate::base::LogId;
use crate::wire::wal::{Record, Vote};

/// At the place where the writer is; the mirror may be ahead.
pub(super) struct Pointers {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) last: Option<LogId>,
}

impl Pointers {
    pub(super) fn of(mirror: &Mirror) -> Self {
        let bounds = mirror.bounds();
        Self {
            vote: mirror.vote,
            committed: mirror.committed,
            purged: bounds.purged,
            last: bounds.last,
        }
    }

    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::Vote(vote) => self.vote = Some(*vote),
            Record::Committed(committed) => self.committed = *committed,
            Record::Entry(entry) => self.last = Some(entry.log_id),
            Record::TruncateAfter(last) => {
                if index(*last) < index(self.last) {
                    self.last = if index(*last) < index(self.purged) {
                        self.purged
                    } else {
                        *last
                    };
                }
            }
            Record::Purge(upto) => {
                if index(Some(*upto)) >= index(self.purged) {
                    self.purged = Some(*upto);
                }
                if index(self.purged) > index(self.last) {
                    self.last = self.purged;
                }
            }
            Record::Mark { .. } => {}
        }
    }
}

/// A place in the log, whatever term wrote there.
pub(super) fn index(id: Option<LogId>) -> Option<u64> {
    id.map(|id| id.index)
}
