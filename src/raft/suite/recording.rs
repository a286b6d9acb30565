//! Stores that record what is asked of them, and from which place in the disk's history on it is
//! acknowledged.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::Stream;
use openraft::alias::{SnapshotMetaOf, SnapshotOf};
use openraft::storage::{EntryResponder, IOFlushed, RaftLogStorage, RaftStateMachine};
use openraft::testing::log::StoreBuilder;
use openraft::type_config::TypeConfigExt;
use openraft::{LogState, OptionalSend, RaftSnapshotBuilder, StorageError};
use tokio::sync::watch;

use super::super::Applied;
use super::super::log_store::LogStore;
use super::super::state_machine::{Builder, StateMachine};
use super::super::types::{OpenEntry, OpenLogId, OpenVote, StoredMembership, Types};
use super::model::{Durable, Snapshot, Step};
use super::{PurgeRule, Stores, open_with};
use crate::catalog::Catalog;
use crate::runtime::disk::Fake;
use crate::runtime::{Tasks, lock};
use crate::storage::DataDir;
use crate::wire::state;

/// A run of one volume: where it began, what was asked, and what the disk did.
pub(super) struct Recorded {
    /// Disk at the beginning.
    pub(super) before: Fake,
    /// Disk that records.
    pub(super) disk: Fake,
    /// Content of the volume at the beginning.
    pub(super) base: Durable,
    pub(super) steps: Vec<RecordedStep>,
    /// Encoded catalog after each entry that was the last of a call of `apply`.
    pub(super) catalogs: BTreeMap<OpenLogId, Bytes>,
}

pub(super) struct RecordedStep {
    pub(super) step: Step,
    /// Number of changes of the disk after which the step was acknowledged.
    pub(super) acknowledged: Option<usize>,
}

#[derive(Clone)]
pub(super) struct Journal(Arc<Mutex<Recorded>>);

impl Journal {
    /// Begins a recording on a disk whose content is `base`.
    pub(super) fn start(disk: &Fake, base: Durable) -> Self {
        let before = disk.after_kill();
        disk.record();
        Self(Arc::new(Mutex::new(Recorded {
            before,
            disk: disk.clone(),
            base,
            steps: Vec::new(),
            catalogs: BTreeMap::new(),
        })))
    }

    /// Reads the recording.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Recorded) -> T) -> T {
        read(&lock(&self.0))
    }

    /// Disk after a power loss at this place of the history. `seed` chooses what survives.
    pub(super) fn power_loss_at(&self, place: usize, seed: u64) -> Fake {
        let recorded = lock(&self.0);
        let disk = recorded.before.after_kill();
        for change in recorded.disk.history().iter().take(place) {
            disk.replay(change).expect("replays");
        }
        disk.after_power_loss(seed)
    }

    fn ask(&self, steps: impl IntoIterator<Item = Step>) -> Range<usize> {
        let recorded = &mut *lock(&self.0);
        let first = recorded.steps.len();
        recorded
            .steps
            .extend(steps.into_iter().map(|step| RecordedStep {
                step,
                acknowledged: None,
            }));
        first..recorded.steps.len()
    }

    fn acknowledge(&self, steps: Range<usize>) {
        let recorded = &mut *lock(&self.0);
        let place = recorded.disk.recorded();
        for step in &mut recorded.steps[steps] {
            step.acknowledged = Some(place);
        }
    }

    fn applied(&self, applied: &Applied) {
        if let Some(last) = applied.last {
            let catalog = state::encode(&applied.catalog);
            let last = super::open_log_id(last);
            lock(&self.0).catalogs.insert(last, catalog);
        }
    }
}

/// Log that records.
pub(super) struct RecordedLog {
    log: LogStore,
    journal: Journal,
    tasks: Tasks,
}

/// State machine that records.
pub(super) struct RecordedMachine {
    machine: StateMachine,
    applied: watch::Receiver<Arc<Applied>>,
    journal: Journal,
}

impl RecordedMachine {
    pub(super) fn catalog(&self) -> Catalog {
        self.applied.borrow().catalog.clone()
    }
}

pub(super) struct RecordedBuilder {
    builder: Builder,
    journal: Journal,
}

/// Wraps open stores.
pub(super) fn record(stores: Stores, journal: &Journal) -> (DataDir, RecordedLog, RecordedMachine) {
    let log = RecordedLog {
        log: stores.log,
        journal: journal.clone(),
        tasks: Tasks::inline(),
    };
    let machine = RecordedMachine {
        machine: stores.machine,
        applied: stores.applied,
        journal: journal.clone(),
    };
    (stores.dir, log, machine)
}

/// Builds a volume for each test of the suite, and keeps all recordings.
#[derive(Default)]
pub(super) struct OnRecordedDisk(Mutex<Vec<Journal>>);

impl OnRecordedDisk {
    pub(super) fn journals(&self) -> Vec<Journal> {
        lock(&self.0).clone()
    }
}

impl StoreBuilder<Types, RecordedLog, RecordedMachine, DataDir> for &OnRecordedDisk {
    async fn build(&self) -> Result<(DataDir, RecordedLog, RecordedMachine), StorageError<Types>> {
        let disk = Fake::new();
        let journal = Journal::start(&disk, Durable::default());
        lock(&self.0).push(journal.clone());
        Ok(record(open_with(&disk, PurgeRule::NeedsSnapshot), &journal))
    }
}

impl RaftLogStorage<Types> for RecordedLog {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> std::io::Result<LogState<Types>> {
        self.log.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.log.get_log_reader().await
    }

    async fn save_vote(&mut self, vote: &OpenVote) -> std::io::Result<()> {
        let asked = self.journal.ask([Step::Vote(*vote)]);
        self.log.save_vote(vote).await?;
        self.journal.acknowledge(asked);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<OpenLogId>) -> std::io::Result<()> {
        self.journal.ask([Step::Committed(committed)]);
        self.log.save_committed(committed).await
    }

    async fn read_committed(&mut self) -> std::io::Result<Option<OpenLogId>> {
        self.log.read_committed().await
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> std::io::Result<()>
    where
        I: IntoIterator<Item = OpenEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<OpenEntry> = entries.into_iter().collect();
        let asked = self.journal.ask(entries.iter().cloned().map(Step::Entry));
        let (flushed, is_flushed) = Types::oneshot::<std::io::Result<()>>();
        let journal = self.journal.clone();
        self.tasks.detach(async move {
            // An error of the channel means that the log was dropped before it was flushed.
            let Ok(result) = is_flushed.await else { return };
            if result.is_ok() {
                journal.acknowledge(asked);
            }
            callback.io_completed(result);
        });
        self.log.append(entries, IOFlushed::signal(flushed)).await
    }

    async fn truncate_after(&mut self, last: Option<OpenLogId>) -> std::io::Result<()> {
        self.journal.ask([Step::TruncateAfter(last)]);
        self.log.truncate_after(last).await
    }

    async fn purge(&mut self, upto: OpenLogId) -> std::io::Result<()> {
        self.journal.ask([Step::Purge(upto)]);
        self.log.purge(upto).await
    }
}

impl RaftStateMachine<Types> for RecordedMachine {
    type SnapshotData = Bytes;
    type SnapshotBuilder = RecordedBuilder;

    async fn applied_state(&mut self) -> std::io::Result<(Option<OpenLogId>, StoredMembership)> {
        self.machine.applied_state().await
    }

    async fn apply<S>(&mut self, entries: S) -> std::io::Result<()>
    where
        S: Stream<Item = std::io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        self.machine.apply(entries).await?;
        let applied = self.applied.borrow_and_update().clone();
        self.journal.applied(&applied);
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<RecordedBuilder> {
        let builder = self.machine.try_create_snapshot_builder(force).await?;
        Some(RecordedBuilder {
            builder,
            journal: self.journal.clone(),
        })
    }

    async fn get_snapshot_builder(&mut self) -> RecordedBuilder {
        RecordedBuilder {
            builder: self.machine.get_snapshot_builder().await,
            journal: self.journal.clone(),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMetaOf<Types>,
        bytes: Bytes,
    ) -> std::io::Result<()> {
        let snapshot = Snapshot {
            meta: meta.clone(),
            bytes: bytes.clone(),
        };
        let asked = self.journal.ask([Step::Snapshot(snapshot)]);
        self.machine.install_snapshot(meta, bytes).await?;
        self.journal.acknowledge(asked);
        let applied = self.applied.borrow_and_update().clone();
        self.journal.applied(&applied);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> std::io::Result<Option<SnapshotOf<Types, Bytes>>> {
        self.machine.get_current_snapshot().await
    }
}

impl RaftSnapshotBuilder<Types> for RecordedBuilder {
    type SnapshotData = Bytes;

    async fn build_snapshot(&mut self) -> std::io::Result<SnapshotOf<Types, Bytes>> {
        let built = self.builder.build_snapshot().await?;
        // The content is known only now. Nothing else is asked while a test builds a snapshot.
        let asked = self.journal.ask([Step::Snapshot(Snapshot {
            meta: built.meta.clone(),
            bytes: built.snapshot.clone(),
        })]);
        self.journal.acknowledge(asked);
        Ok(built)
    }
}
