//! openraft's own storage suite, run on the log and the state machine of this program.

use std::path::Path;
use std::sync::Arc;

use openraft::StorageError;
use openraft::alias::SnapshotMetaOf;
use openraft::storage::{RaftLogStorage, RaftLogStorageExt, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use tokio::sync::watch;

use super::Applied;
use super::apply_guard::ApplyGuard;
use super::halt_latch::HaltLatch;
use super::log_store::LogStore;
use super::state_machine::{SnapshotStore, StateMachine};
use super::types::{Member, OpenEntry, Payload, StoredMembership, Types, open_log_id, open_vote};
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

struct OnFakeDisk;

/// Opens the stores on a disk, as a start does.
fn open(disk: &disk::Fake) -> (DataDir, LogStore, StateMachine) {
    let env = Env {
        disk: Arc::new(disk.clone()),
        tasks: Tasks::inline(),
        ..Env::real()
    };
    let dir = DataDir::open(&env, Path::new("/meta")).expect("the directory opens");
    if dir.load("identity").expect("readable").is_none() {
        dir.store("identity", b"me").expect("stored");
    }
    let (snapshots, snapshot) = Snapshots::open(&env, &dir).expect("the snapshots open");
    let small = LogConfig {
        segment_bytes: 64 << 10,
    };
    let covered = snapshot.as_ref().and_then(|(header, _)| header.last);
    let log = Log::open_with(&env, &dir, Incarnation([1; 16]), covered, small).expect("the log");
    let halt_latch = HaltLatch::default();
    let snapshot_store = SnapshotStore::new(
        snapshots,
        log.clone(),
        env.tasks.clone(),
        halt_latch.clone(),
    );
    let (publish, _) = watch::channel(Arc::new(Applied {
        last: None,
        catalog: Catalog::default(),
    }));
    let apply_guard = ApplyGuard::open(&log, covered).expect("no entry ended a process");
    let machine = StateMachine::open(snapshot_store, snapshot, publish, apply_guard)
        .expect("a state machine");
    (dir, LogStore::new(log, halt_latch), machine)
}

impl StoreBuilder<Types, LogStore, StateMachine, DataDir> for OnFakeDisk {
    async fn build(&self) -> Result<(DataDir, LogStore, StateMachine), StorageError<Types>> {
        Ok(open(&disk::Fake::new()))
    }
}

/// A follower has entries that no majority has: the leader's snapshot ends at a lower index and in
/// a later term. The truncation of those entries is in another file than the snapshot, and both are
/// there after a power loss, or neither.
#[tokio::test(start_paused = true)]
async fn a_snapshot_is_not_durable_before_the_truncation_that_it_needs() {
    let id = |term, index| open_log_id(LogId { term, index });
    let entry = |term, index| OpenEntry {
        log_id: id(term, index),
        payload: Payload::Blank,
    };
    let fake = disk::Fake::new();
    let (dir, mut log, mut machine) = open(&fake);
    log.blocking_append((0..=10).map(|index| entry(1, index)))
        .await
        .expect("appended");
    let before = fake.after_kill();
    fake.record();
    let vote = open_vote(Vote {
        term: 2,
        node: RaftId(2),
        committed: true,
    });
    log.save_vote(&vote).await.expect("saved");
    log.truncate_after(Some(id(1, 5))).await.expect("truncated");
    let meta = SnapshotMetaOf::<Types> {
        last_log_id: Some(id(2, 8)),
        last_membership: StoredMembership::default(),
    };
    let bytes = state::encode(&Catalog::default());
    machine
        .install_snapshot(&meta, bytes)
        .await
        .expect("installed");
    log.purge(id(2, 8)).await.expect("purged");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    drop((dir, log, machine));
    let history = fake.history();
    let at = before.after_kill();
    for (place, op) in history.iter().enumerate() {
        at.replay(op).expect("replays");
        let mut crashed = vec![
            at.after_kill(),
            at.after_power_loss_keeping(|| false),
            at.after_power_loss_keeping(|| true),
        ];
        crashed.extend((0..8).map(|seed| at.after_power_loss(seed)));
        for crashed in crashed {
            let (_dir, mut log, mut machine) = open(&crashed);
            let opened = openraft::StorageHelper::new(&mut log, &mut machine)
                .with_id(1)
                .get_initial_state()
                .await;
            assert!(opened.is_ok(), "crash at {place}: {:?}", opened.err());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn openrafts_storage_suite_passes() {
    Suite::test_all(OnFakeDisk).await.expect("the suite");
}
