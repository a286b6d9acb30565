//! A reference model of the log, a few fields and a vector, and random steps for it.

use influxdb_meta::base::LogId;
use influxdb_meta::storage::{Bounds, Entry, Vote};

use super::support::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reference {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Vote(Vote),
    Entry(Entry),
    Truncate(Option<LogId>),
    Purge(LogId),
    Committed(Option<LogId>),
}

impl Reference {
    pub(super) fn of(volume: &Volume) -> Self {
        let (log, entries) = (&volume.log, volume.entries());
        let reference = Self {
            vote: log.vote(),
            committed: log.committed(),
            purged: log.bounds().purged,
            entries,
        };
        assert_eq!(
            log.bounds(),
            Bounds {
                purged: reference.purged,
                last: reference.last()
            }
        );
        reference
    }

    pub(super) fn last(&self) -> Option<LogId> {
        self.entries
            .last()
            .map_or(self.purged, |entry| Some(entry.log_id))
    }

    pub(super) fn take(&mut self, step: &Step) {
        match step {
            Step::Vote(vote) => self.vote = Some(*vote),
            Step::Entry(entry) => self.entries.push(entry.clone()),
            Step::Truncate(None) => self.entries.clear(),
            Step::Truncate(Some(last)) => self.entries.retain(|e| e.log_id.index <= last.index),
            Step::Purge(upto) => {
                self.purged = Some(*upto);
                self.entries.retain(|e| e.log_id.index > upto.index);
            }
            Step::Committed(committed) => self.committed = *committed,
        }
    }

    /// Draws a step that Raft could ask for next.
    pub(super) fn draw(&self, dice: &mut Dice) -> Step {
        let term = self.vote.map_or(1, |vote| vote.term);
        let next = self.last().map_or(0, |last| last.index + 1);
        let any = (!self.entries.is_empty()).then(|| {
            let at = dice.below(self.entries.len() as u64) as usize;
            self.entries[at].log_id
        });
        match (dice.below(20), any) {
            (0, _) => Step::Vote(vote(term + 1)),
            (1, Some(upto)) => Step::Purge(upto),
            (2, Some(last)) => Step::Truncate(Some(last)),
            (3, _) if dice.below(6) == 0 => Step::Truncate(self.purged),
            (3, _) if dice.below(6) == 0 => Step::Purge(id(term, next + dice.below(20))),
            (4 | 5, Some(committed)) => Step::Committed(Some(committed)),
            (6, _) => Step::Entry(sized(term, next, 100 + dice.below(500) as usize)),
            _ => Step::Entry(sized(term, next, dice.below(80) as usize)),
        }
    }
}

/// Asks the log for a step. `done` is called when it is durable, if the log reports that.
pub(super) async fn ask(volume: &Volume, step: &Step, done: impl FnOnce() + Send + 'static) {
    match step.clone() {
        Step::Vote(vote) => {
            volume.log.save_vote(vote).await.expect("vote");
            done();
        }
        Step::Entry(entry) => volume.log.append(
            vec![entry],
            Box::new(move |result| {
                result.expect("durable");
                done();
            }),
        ),
        Step::Truncate(last) => volume.log.truncate_after(last).await.expect("truncate"),
        Step::Purge(upto) => volume.log.purge(upto).await.expect("purge"),
        Step::Committed(committed) => volume.log.save_committed(committed),
    }
}
