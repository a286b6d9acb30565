//! Task that follows the Raft node: wakes the long polls, and decides whether this node has caught
//! up.
//!
//! This task is the only waiter at Raft, whatever the number of pollers, and pollers wake only when
//! the data that they are served has changed. The cost of a poll does not grow with the number of
//! pollers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::ClusterApi;
use crate::base::{ClusterId, Incarnation, LogId, RaftId};
use crate::raft::{Raft, RaftStatus};
use crate::runtime::Env;

/// State that the task publishes.
#[derive(Default)]
pub(super) struct ApplyWatcher {
    /// Counter of changes that pollers see: of the catalog's index, of membership, a halt, the
    /// stop.
    wake: watch::Sender<u64>,
    stopping: AtomicBool,
    halted: AtomicBool,
    caught_up: AtomicBool,
}

impl ApplyWatcher {
    /// Returns a receiver that has seen all changes so far. Subscribe first, then read the state,
    /// then wait.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    /// Stays true while the same Raft node is open: a node that falls behind later is slow, not
    /// new.
    pub(super) fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        self.wake
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Starts the task. It ends with the process's tasks.
pub(super) fn start(env: &Env, cluster: Arc<dyn ClusterApi>, watcher: Arc<ApplyWatcher>) {
    let tasks = env.tasks.clone();
    env.tasks.detach(async move {
        tokio::select! {
            biased;
            () = tasks.stopped() => watcher.stop(),
            () = follow(cluster, &watcher) => {}
        }
    });
}

async fn follow(cluster: Arc<dyn ClusterApi>, watcher: &ApplyWatcher) {
    let mut changed = cluster.changed();
    let mut open = None;
    loop {
        let view = changed.borrow_and_update().clone();
        let Ok(raft) = cluster.raft() else {
            open = None;
            watcher.halted.store(false, Ordering::Release);
            watcher.caught_up.store(false, Ordering::Release);
            watcher.wake();
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
        let this = (view.cluster_id, view.raft_id, view.incarnation);
        let target = open
            .take()
            .filter(|(of, _): &Open| *of == this)
            .map(|(_, target)| target);
        let mut catching_up = CatchingUp {
            target: target.unwrap_or_else(|| last_log(&raft.status())),
        };
        if target.is_none() {
            watcher.caught_up.store(false, Ordering::Release);
        }
        watcher.wake();
        open = Some((this, catching_up.target));
        tokio::select! {
            biased;
            gone = changed.changed() => if gone.is_err() { return },
            () = follow_raft(&raft, watcher, &mut catching_up) => {
                // Raft's channels closed: it has halted, or is being shut down, and then `changed`
                // follows.
                watcher.halted.store(raft.status().halted.is_some(), Ordering::Release);
                watcher.wake();
                if changed.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A Raft node that was open, and the entry up to which it had to apply.
type Open = ((Option<ClusterId>, Option<RaftId>, Incarnation), LogId);

fn last_log(status: &RaftStatus) -> LogId {
    status.last_log.max(status.committed).unwrap_or_default()
}

async fn follow_raft(raft: &Raft, watcher: &ApplyWatcher, catching_up: &mut CatchingUp) {
    let mut applied = raft.applied();
    let mut changes = raft.changed();
    let mut shown = applied.borrow_and_update().catalog.index;
    loop {
        catching_up.judge(raft, watcher);
        tokio::select! {
            biased;
            alive = applied.changed() => {
                if alive.is_err() {
                    return;
                }
                let index = applied.borrow_and_update().catalog.index;
                // Entries that clients do not see do not change the index. A snapshot that is
                // installed may move it in either direction.
                if index != shown {
                    shown = index;
                    watcher.wake();
                }
            }
            alive = changes.changed() => {
                if alive.is_err() {
                    return;
                }
                let halted = raft.status().halted.is_some();
                if watcher.halted.swap(halted, Ordering::AcqRel) != halted {
                    watcher.wake();
                }
            }
            () = tokio::time::sleep(CATCH_UP_CHECK_INTERVAL), if !watcher.is_caught_up() => {}
        }
    }
}

/// Interval of checks while catching up. Raft publishes its status and its applied state one after
/// the other: a check right after one change may read the other's old value.
const CATCH_UP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Decides whether this node has applied all that there was to apply when it opened.
///
/// Both conditions must hold. First, everything is applied that its own log held at the start (a
/// restart under a leader that stayed). Second, an entry of the present leader's term is applied: a
/// leader's first entry follows all that was committed before it, so a node with an old log is not
/// taken for current.
struct CatchingUp {
    target: LogId,
}

impl CatchingUp {
    fn judge(&mut self, raft: &Raft, watcher: &ApplyWatcher) {
        if watcher.is_caught_up() {
            return;
        }
        let status = raft.status();
        let Some(applied) = raft.applied().borrow().last else {
            return;
        };
        let current = status.leader.is_some() && applied.term == status.term;
        // An applied entry of a higher term counts as well: the entry that our log held at the
        // target's index was then never committed.
        if current && applied >= self.target {
            watcher.caught_up.store(true, Ordering::Release);
            watcher.wake();
        }
    }
}
