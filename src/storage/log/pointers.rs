//! The log's pointers after the first records of the stream. The head of a segment repeats them.

use crate::base::LogId;
use crate::wire::wal::{Record, Vote};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub purged: Option<LogId>,
    /// Last entry, or `purged` if there is none.
    pub last: Option<LogId>,
}

/// Vote and positions. The mirror's include everything that is queued, the writer's everything that
/// is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pointers {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) last: Option<LogId>,
}

impl Pointers {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            purged: self.purged,
            last: self.last,
        }
    }

    /// Applies one record.
    pub(super) fn apply(&mut self, record: &Record) {
        match record {
            Record::Vote(vote) => self.vote = Some(*vote),
            Record::Committed(committed) => self.committed = *committed,
            Record::Entry(entry) => self.last = Some(entry.log_id),
            Record::TruncateAfter(last) => {
                if index_of(*last) < index_of(self.last) {
                    self.last = later(*last, self.purged);
                }
            }
            Record::Purge(upto) => {
                self.purged = later(Some(*upto), self.purged);
                self.last = later(self.last, self.purged);
            }
            Record::DurabilityMark { .. } => {}
        }
    }
}

/// Index of a log id, whatever its term.
pub(super) fn index_of(id: Option<LogId>) -> Option<u64> {
    id.map(|id| id.index)
}

/// The log id with the higher index; `a` if they are equal.
pub(super) fn later(a: Option<LogId>, b: Option<LogId>) -> Option<LogId> {
    if index_of(a) >= index_of(b) { a } else { b }
}
