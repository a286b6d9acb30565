//! Model of what is durable on a volume, and the rules that Raft follows in its steps.

use bytes::Bytes;
use openraft::alias::SnapshotMetaOf;
use openraft::storage::{RaftLogReader, RaftLogStorage, RaftStateMachine};

use super::super::log_store::LogStore;
use super::super::types::{OpenEntry, OpenLogId, OpenVote, Types};
use super::Stores;

/// A step that openraft asks of the storage and that changes what is durable.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Vote(OpenVote),
    Entry(OpenEntry),
    TruncateAfter(Option<OpenLogId>),
    Purge(OpenLogId),
    Committed(Option<OpenLogId>),
    /// A snapshot, built here or received from a leader.
    Snapshot(Snapshot),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) meta: SnapshotMetaOf<Types>,
    pub(super) bytes: Bytes,
}

/// The log: one stream, so that a crash leaves a prefix of its steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LogContent {
    pub(super) vote: Option<OpenVote>,
    pub(super) committed: Option<OpenLogId>,
    pub(super) purged: Option<OpenLogId>,
    pub(super) entries: Vec<OpenEntry>,
}

impl LogContent {
    pub(super) fn last(&self) -> Option<OpenLogId> {
        self.entries
            .last()
            .map_or(self.purged, |entry| Some(entry.log_id))
    }

    pub(super) fn at(&self, index: u64) -> Option<OpenLogId> {
        let mut ids = self.entries.iter().map(|entry| entry.log_id);
        ids.find(|id| id.index == index)
    }

    async fn read(log: &mut LogStore) -> Self {
        let state = log.get_log_state().await.expect("readable");
        let entries = log.try_get_log_entries(0..u64::MAX).await;
        let content = Self {
            vote: log.read_vote().await.expect("readable"),
            committed: log.read_committed().await.expect("readable"),
            purged: state.last_purged_log_id,
            entries: entries.expect("readable"),
        };
        assert_eq!(state.last_log_id, content.last());
        content
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Vote(vote) => self.vote = Some(*vote),
            Step::Entry(entry) => self.entries.push(entry.clone()),
            Step::TruncateAfter(last) => {
                let next = last.map_or(0, |last| last.index + 1);
                self.entries.retain(|entry| entry.log_id.index < next);
            }
            Step::Purge(upto) => {
                self.purged = self.purged.max(Some(*upto));
                self.entries.retain(|entry| entry.log_id.index > upto.index);
            }
            Step::Committed(committed) => self.committed = *committed,
            Step::Snapshot(_) => {}
        }
    }
}

/// Content of a volume.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Durable {
    pub(super) log: LogContent,
    pub(super) snapshot: Option<Snapshot>,
}

impl Durable {
    pub(super) async fn read(stores: &mut Stores) -> Self {
        let log = LogContent::read(&mut stores.log).await;
        let snapshot = stores
            .machine
            .get_current_snapshot()
            .await
            .expect("readable");
        let snapshot = snapshot.map(|snapshot| Snapshot {
            meta: snapshot.meta,
            bytes: snapshot.snapshot,
        });
        Self { log, snapshot }
    }

    pub(super) fn covered(&self) -> Option<OpenLogId> {
        self.snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.meta.last_log_id)
    }

    pub(super) fn take(&mut self, step: &Step) {
        self.log.take(step);
        if let Step::Snapshot(snapshot) = step
            && (self.snapshot.is_none() || self.covered() <= snapshot.meta.last_log_id)
        {
            self.snapshot = Some(snapshot.clone());
        }
    }

    /// Returns whether Raft asks for this step at this point. openraft's suite also asks for others:
    /// it purges entries that no snapshot has, for example.
    pub(super) fn allows(&self, step: &Step) -> bool {
        let (log, covered) = (&self.log, self.covered());
        match step {
            Step::Vote(vote) => Some(*vote) >= log.vote,
            Step::Entry(entry) => {
                let before = log.last();
                Some(entry.log_id) > before
                    && entry.log_id.index == before.map_or(0, |last| last.index + 1)
                    && Some(entry.log_id) > covered
            }
            Step::TruncateAfter(last) => *last >= log.committed && *last >= log.purged,
            Step::Purge(upto) => Some(*upto) <= covered,
            Step::Committed(committed) => *committed <= log.last().max(covered),
            Step::Snapshot(snapshot) => {
                let last = snapshot.meta.last_log_id;
                let same = last.and_then(|last| log.at(last.index)).or(log.purged);
                let is_beyond = last.map(|last| last.index) > log.last().map(|last| last.index);
                last >= covered && (last.is_none() || same == last || is_beyond)
            }
        }
    }

    /// Asserts what Raft needs of a volume at a start.
    pub(super) fn assert_sound(&self, case: &str) {
        let (log, covered) = (&self.log, self.covered());
        assert!(
            log.purged <= covered,
            "{case}: purged beyond the snapshot: {self:?}"
        );
        let last = log.last().max(covered);
        assert!(
            log.committed <= last,
            "{case}: committed beyond the end: {self:?}"
        );
        let mut next = log.purged.map_or(0, |purged| purged.index + 1);
        let mut before = log.purged;
        for entry in &log.entries {
            assert_eq!(
                entry.log_id.index, next,
                "{case}: a gap in the log: {self:?}"
            );
            assert!(
                Some(entry.log_id) > before,
                "{case}: a lower log id: {self:?}"
            );
            (next, before) = (next + 1, Some(entry.log_id));
        }
        if let Some(covered) = covered
            && let Some(same) = log.at(covered.index)
        {
            assert_eq!(
                same, covered,
                "{case}: log and snapshot contradict: {self:?}"
            );
        }
    }
}
