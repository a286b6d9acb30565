//! openraft's own storage suite, run on the log and the state machine of this program.

use std::path::Path;
use std::sync::Arc;

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tokio::sync::watch;

use super::Applied;
use super::halt_latch::HaltLatch;
use super::log_store::LogStore;
use super::state_machine::{SnapshotStore, StateMachine};
use super::types::{Member, Types};
use crate::base::Incarnation;
use crate::catalog::Catalog;
use crate::runtime::{Env, Tasks, disk};
use crate::storage::{DataDir, Log, LogConfig, Snapshots};

/// The suite creates members by default. Outside of tests a member has no default.
impl Default for Member {
    fn default() -> Self {
        Self {
            incarnation: Incarnation([0; 16]),
        }
    }
}

struct OnFakeDisk;

impl StoreBuilder<Types, LogStore, StateMachine, DataDir> for OnFakeDisk {
    async fn build(&self) -> Result<(DataDir, LogStore, StateMachine), StorageError<Types>> {
        let env = Env {
            disk: Arc::new(disk::Fake::new()),
            tasks: Tasks::inline(),
            ..Env::real()
        };
        let dir = DataDir::open(&env, Path::new("/meta")).expect("a new directory");
        let (snapshots, _) = Snapshots::open(&env, &dir).expect("no snapshots");
        let small = LogConfig {
            segment_bytes: 64 << 10,
        };
        let log = Log::open_with(&env, &dir, Incarnation([1; 16]), None, small).expect("a new log");
        let halt_latch = HaltLatch::default();
        let snapshot_store = SnapshotStore::new(snapshots, env.tasks.clone(), halt_latch.clone());
        let (publish, _) = watch::channel(Arc::new(Applied {
            last: None,
            catalog: Catalog::default(),
        }));
        let machine =
            StateMachine::open(snapshot_store, None, publish).expect("an empty state machine");
        Ok((dir, LogStore::new(log, halt_latch), machine))
    }
}

#[tokio::test(start_paused = true)]
async fn openrafts_storage_suite_passes() {
    Suite::test_all(OnFakeDisk).await.expect("the suite");
}
