//! openraft's own storage suite, run on the log and the state machine of this program: on a healthy
//! disk, and with a crash after each change of the disk.

mod crashes;
mod mistakes;
mod model;
mod notes;
mod random;
mod recording;

use std::path::Path;
use std::sync::Arc;

use openraft::alias::SnapshotMetaOf;
use openraft::storage::{IOFlushed, RaftLogStorage, RaftLogStorageExt, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{RaftSnapshotBuilder, StorageError};
use tokio::sync::watch;

use super::Applied;
use super::apply_guard::ApplyGuard;
use super::halt_latch::HaltLatch;
use super::log_store::LogStore;
use super::state_machine::{SnapshotStore, StateMachine};
use super::types::{
    Member, OpenEntry, OpenLogId, OpenVote, Payload, StoredMembership, Types, open_log_id,
    open_vote,
};
use crate::base::{Incarnation, LogId, RaftId};
use crate::catalog::Catalog;
use crate::runtime::{Env, Tasks, disk};
use crate::storage::{DataDir, Log, LogConfig, Snapshots, Vote};
use crate::wire::state;

/// The suite creates members by default. Outside of tests a member has no default.
impl Default for Member {
    fn default() -> Self {
        Self {
            incarnation: Incarnation([0; 16]),
        }
    }
}

/// Stores of one volume.
struct Stores {
    dir: DataDir,
    log: LogStore,
    machine: StateMachine,
    applied: watch::Receiver<Arc<Applied>>,
    halt_latch: HaltLatch,
}

/// Rule of the log's opening that some steps of openraft's suite do not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PurgeRule {
    /// Purged entries are in a snapshot, as a start demands.
    NeedsSnapshot,
    /// Entries may be purged without one.
    Free,
}

/// Opens the stores on a disk, as a start does.
fn open(disk: &disk::Fake) -> Stores {
    open_with(disk, PurgeRule::NeedsSnapshot)
}

fn open_with(disk: &disk::Fake, rule: PurgeRule) -> Stores {
    open_in(disk, rule, Tasks::inline())
}

fn open_in(disk: &disk::Fake, rule: PurgeRule, tasks: Tasks) -> Stores {
    let env = Env {
        disk: Arc::new(disk.clone()),
        tasks,
        ..Env::real()
    };
    let dir = DataDir::open(&env, Path::new("/meta")).expect("the directory opens");
    if dir.load("identity").expect("readable").is_none() {
        dir.store("identity", b"me").expect("stored");
    }
    let (snapshots, snapshot) =
        Snapshots::open(&env, &dir, Incarnation([1; 16])).expect("the snapshots open");
    assert!(
        snapshots.rejected().is_empty(),
        "{:?}",
        snapshots.rejected()
    );
    let small = LogConfig {
        segment_bytes: 8 << 10,
    };
    let covered = match rule {
        PurgeRule::NeedsSnapshot => snapshot.as_ref().and_then(|(header, _)| header.last),
        PurgeRule::Free => Some(LogId {
            term: u64::MAX,
            index: u64::MAX,
        }),
    };
    let log = Log::open_with(&env, &dir, Incarnation([1; 16]), covered, small).expect("the log");
    let halt_latch = HaltLatch::default();
    let snapshot_store = SnapshotStore::new(
        snapshots,
        log.clone(),
        env.tasks.clone(),
        halt_latch.clone(),
    );
    let (publish, applied) = watch::channel(Arc::new(Applied {
        last: None,
        catalog: Catalog::default(),
    }));
    let apply_guard = ApplyGuard::open(&log, covered).expect("no entry ended a process");
    let machine = StateMachine::open(snapshot_store, snapshot, publish, apply_guard)
        .expect("a state machine");
    Stores {
        dir,
        log: LogStore::new(log, halt_latch.clone()),
        machine,
        applied,
        halt_latch,
    }
}

struct OnFakeDisk;

impl StoreBuilder<Types, LogStore, StateMachine, DataDir> for OnFakeDisk {
    async fn build(&self) -> Result<(DataDir, LogStore, StateMachine), StorageError<Types>> {
        let stores = open(&disk::Fake::new());
        Ok((stores.dir, stores.log, stores.machine))
    }
}

#[tokio::test(start_paused = true)]
async fn openrafts_storage_suite_passes() {
    Suite::test_all(OnFakeDisk).await.expect("the suite");
}

fn id(term: u64, index: u64) -> OpenLogId {
    open_log_id(LogId { term, index })
}

fn blank(term: u64, index: u64) -> OpenEntry {
    OpenEntry {
        log_id: id(term, index),
        payload: Payload::Blank,
    }
}

fn vote_of_leader(term: u64) -> OpenVote {
    open_vote(Vote {
        term,
        node: RaftId(2),
        committed: true,
    })
}

/// Opens the stores after a kill and after power losses at each place of a history, as openraft
/// does at a start.
async fn assert_openable_after_each(before: &disk::Fake, history: &[disk::Op]) {
    let at = before.after_kill();
    for (place, op) in history.iter().enumerate() {
        at.replay(op).expect("replays");
        for crashed in [vec![at.after_kill()], at.power_losses(8)].concat() {
            let mut stores = open(&crashed);
            let opened = openraft::StorageHelper::new(&mut stores.log, &mut stores.machine)
                .with_id(1)
                .get_initial_state()
                .await;
            assert!(opened.is_ok(), "crash at {place}: {:?}", opened.err());
        }
    }
}

/// A follower has entries that no majority has: the leader's snapshot ends at a lower index and in
/// a later term. The truncation of those entries is in another file than the snapshot, and both are
/// there after a power loss, or neither.
#[tokio::test(start_paused = true)]
async fn a_snapshot_is_not_durable_before_the_truncation_that_it_needs() {
    let fake = disk::Fake::new();
    let mut stores = open(&fake);
    let log = &mut stores.log;
    log.blocking_append((0..=10).map(|index| blank(1, index)))
        .await
        .expect("appended");
    let before = fake.after_kill();
    fake.record();
    log.save_vote(&vote_of_leader(2)).await.expect("saved");
    log.truncate_after(Some(id(1, 5))).await.expect("truncated");
    let meta = SnapshotMetaOf::<Types> {
        last_log_id: Some(id(2, 8)),
        last_membership: StoredMembership::default(),
    };
    let bytes = state::encode(&Catalog::default());
    let installed = stores.machine.install_snapshot(&meta, bytes).await;
    installed.expect("installed");
    log.purge(id(2, 8)).await.expect("purged");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    drop(stores);
    assert_openable_after_each(&before, &fake.history()).await;
}

/// A follower applies entries that a majority has, though its own log has only queued them. A
/// snapshot that it builds then must not be durable without the truncation before those entries.
#[tokio::test(start_paused = true)]
async fn a_built_snapshot_is_not_durable_before_the_truncation_that_it_needs() {
    let fake = disk::Fake::new();
    let mut stores = open(&fake);
    let log = &mut stores.log;
    log.blocking_append((0..=10).map(|index| blank(1, index)))
        .await
        .expect("appended");
    let before = fake.after_kill();
    fake.record();
    log.save_vote(&vote_of_leader(2)).await.expect("saved");
    log.truncate_after(Some(id(1, 5))).await.expect("truncated");
    log.append((6..=8).map(|index| blank(2, index)), IOFlushed::noop())
        .await
        .expect("queued");
    let entries = (0..=5)
        .map(|index| blank(1, index))
        .chain((6..=8).map(|index| blank(2, index)));
    let committed = entries.map(|entry| Ok((entry, None)));
    let applied = stores
        .machine
        .apply(futures_util::stream::iter(committed))
        .await;
    applied.expect("applied");
    let mut builder = stores.machine.get_snapshot_builder().await;
    builder.build_snapshot().await.expect("built");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    drop((builder, stores));
    assert_openable_after_each(&before, &fake.history()).await;
}
