//! An open Raft node: its parts, its start and its shutdown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{InitializeError, RaftError};
use tokio::sync::{SetOnce, watch};
use tokio::time::{Instant, timeout_at};

use super::apply_guard::{ApplyGuard, DeadlyEntry};
use super::clocks::{self, Clocks};
use super::config::Timers;
use super::contact::Contact;
use super::halt_latch::{Halt, HaltLatch};
use super::log_store::LogStore;
use super::network::{AttachedNode, KnownOfMembers, Network};
use super::quota::LastLevel;
use super::room::{self, MemberRooms};
use super::state_machine::{Applied, OpenRaft, SnapshotStore, StateMachine};
use super::types::member_map;
use super::{RaftConfig, Replica, Transport, compaction};
use crate::base::{Incarnation, RaftId};
use crate::catalog::Catalog;
use crate::runtime::{Env, TaskHandle, Tasks};
use crate::storage::{AttemptNote, Log, SnapshotHeader, Snapshots};

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This version cannot read something that is stored. The phase becomes `halted`.
    #[error(transparent)]
    Unreadable(Halt),
    /// The process died more than once while it applied an entry. The phase becomes `halted`.
    #[error(transparent)]
    DeadlyEntry(#[from] DeadlyEntry),
    /// The text is openraft's.
    #[error("{0}")]
    Failed(String),
}

/// Role of a node after it has transferred its leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterHandOver {
    /// The node stays a member that may lead again.
    Member,
    /// The node is about to stop: from the beginning of the transfer on it neither takes proposals
    /// nor stands for election.
    Stopping,
}

/// Outcome of [`Raft::hand_over`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// This node did not lead, or another node leads now.
    Done,
    /// This node leads, and there is no other voter.
    NoOtherVoter,
    /// No other voter took over in time.
    TimedOut,
}

/// An open Raft node. Cheap to clone.
#[derive(Clone)]
pub struct Raft {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) env: Env,
    pub(super) config: RaftConfig,
    pub(super) me: Replica,
    pub(super) raft: OpenRaft,
    pub(super) log: Log,
    load_note: AttemptNote,
    pub(super) halt_latch: HaltLatch,
    pub(super) contact: Contact,
    pub(super) rooms: MemberRooms,
    pub(super) clocks: Clocks,
    pub(super) quota_level: LastLevel,
    pub(super) timers: Timers,
    /// Tasks of this Raft node; stopped by `shutdown`.
    pub(super) tasks: Tasks,
    transport: Transport,
    applied: watch::Receiver<Arc<Applied>>,
    changed: watch::Receiver<u64>,
    /// Set by `admit`. Until then no member is dialled.
    admitted: Arc<SetOnce<()>>,
    /// Set when leadership is being transferred for good.
    draining: AtomicBool,
    _compaction: TaskHandle<()>,
    disk_watch: OnceLock<TaskHandle<()>>,
}

impl Raft {
    /// Opens a Raft node on a recovered log. Does not initialise it. Until `admit` the node accepts
    /// no connections and dials no member.
    ///
    /// # Errors
    /// This version cannot read what is stored, or openraft does not start on it.
    pub async fn open(
        env: &Env,
        config: RaftConfig,
        me: Replica,
        log: Log,
        snapshots: Snapshots,
        snapshot: Option<(SnapshotHeader, Bytes)>,
        transport: &Transport,
    ) -> Result<Self, OpenError> {
        let (halt_latch, tasks) = (HaltLatch::default(), env.tasks.scope());
        let nothing = Applied {
            last: None,
            catalog: Catalog::default(),
        };
        let (publish, applied) = watch::channel(Arc::new(nothing));
        let load_note = snapshots.load_note().clone();
        let snapshot_store =
            SnapshotStore::new(snapshots, log.clone(), tasks.clone(), halt_latch.clone());
        let failed = |error: &dyn std::fmt::Display| match halt_latch.get() {
            Some(halt) if !halt.is_storage() => OpenError::Unreadable(halt),
            _ => OpenError::Failed(error.to_string()),
        };
        let covered = snapshot.as_ref().and_then(|(header, _)| header.last);
        let apply_guard = ApplyGuard::open(&log, covered)?;
        let machine = StateMachine::open(snapshot_store, snapshot, publish, apply_guard)
            .map_err(|e| failed(&e))?;
        let timers = config.timers();
        let admitted = Arc::new(SetOnce::new());
        let known = KnownOfMembers::default();
        let network = Network::new(
            env,
            transport,
            me,
            timers,
            tasks.clone(),
            admitted.clone(),
            known.clone(),
        );
        let store = LogStore::new(log.clone(), halt_latch.clone());
        let valid = config.openraft().validate().map_err(|e| failed(&e))?;
        let raft = OpenRaft::new(me.raft_id.0, Arc::new(valid), network, store, machine).await;
        let raft = raft.map_err(|e| failed(&e))?;

        let (notify, changed) = watch::channel(0);
        let compaction = compaction::run(raft.clone(), log.clone(), config.snapshot_every_bytes);
        let inner = Inner {
            env: env.clone(),
            config,
            me,
            raft,
            log,
            load_note,
            halt_latch,
            contact: Contact::default(),
            rooms: known.rooms,
            clocks: known.clocks,
            quota_level: LastLevel::default(),
            timers,
            transport: transport.clone(),
            applied,
            changed,
            admitted,
            draining: AtomicBool::new(false),
            _compaction: tasks.spawn(compaction),
            disk_watch: OnceLock::new(),
            tasks,
        };
        let inner = Arc::new(inner);
        let watching = watch_changes(
            Arc::downgrade(&inner),
            inner.raft.clone(),
            inner.halt_latch.clone(),
            notify,
        );
        inner.tasks.detach(watching);
        let weak = Arc::downgrade(&inner);
        let node = move || weak.upgrade().map(|inner| Raft { inner });
        let disk = inner.tasks.spawn(room::watch_disk(node));
        // Fails only if it was set before.
        drop(inner.disk_watch.set(disk));
        let ahead = clocks::hand_over_while_ahead(Arc::downgrade(&inner));
        inner.tasks.detach(ahead);
        Ok(Self { inner })
    }

    /// Writes the first membership. Only on an empty log without a vote; identical on every
    /// founder.
    ///
    /// # Errors
    /// openraft failed. A node that was initialised before is no error.
    pub async fn initialize(&self, founders: &[(RaftId, Incarnation)]) -> Result<(), OpenError> {
        match self.inner.raft.initialize(member_map(founders)).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(error) => Err(OpenError::Failed(error.to_string())),
        }
    }

    /// Starts sending and receiving Raft messages on 8089.
    ///
    /// Safety order: called only after `initialize` (founding.md 5.3), because a vote request that
    /// came in before would leave a vote on an empty log, and such a node can never be initialised.
    /// Called only after the id of this start is on disk (founding.md 7.7).
    pub fn admit(&self) {
        let Inner {
            me,
            raft,
            log,
            load_note,
            contact,
            admitted,
            env,
            ..
        } = &*self.inner;
        // An error means that it was set before.
        drop(admitted.set(()));
        self.inner.transport.attach(AttachedNode {
            me: *me,
            raft: raft.clone(),
            log: log.clone(),
            load_note: load_note.clone(),
            tasks: env.tasks.clone(),
            contact: contact.clone(),
            clock: env.clock.clone(),
        });
    }

    /// Changes with every applied batch and every installed snapshot.
    pub fn applied(&self) -> watch::Receiver<Arc<Applied>> {
        self.inner.applied.clone()
    }

    /// Changes when the leader, the role, the membership or `halted` changes.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed.clone()
    }

    /// Highest sequence number of the log that is known to be synced (founding.md 7.7).
    pub fn durable_seq(&self) -> u64 {
        self.inner.log.durable_seq()
    }

    /// Resolves when a write or fsync has failed. The process must end (exit 74), because it is not
    /// known any more what is on disk.
    pub async fn fatal(&self) -> String {
        let mut halt_latch = self.inner.halt_latch.watch();
        let storage = halt_latch
            .wait_for(|halt| halt.as_ref().is_some_and(Halt::is_storage))
            .await;
        match storage
            .ok()
            .and_then(|halt| halt.as_ref().map(Halt::to_string))
        {
            Some(text) => text,
            None => std::future::pending().await,
        }
    }

    /// Transfers leadership to the other voter that has most of the log, if this node leads. Waits
    /// for at most `timeout` until another leader is known here. Proposals in flight may end with
    /// [`ProposeError::Unknown`](super::ProposeError::Unknown). Calling it again is harmless.
    pub async fn hand_over(&self, timeout: Duration, then: AfterHandOver) -> HandOver {
        let deadline = Instant::now() + timeout;
        let raft = &self.inner.raft;
        if then == AfterHandOver::Stopping {
            self.inner.draining.store(true, Ordering::SeqCst);
            raft.runtime_config().elect(false);
        }
        let me = self.inner.me.raft_id;
        let Some(target) = self.transfer_target() else {
            return if self.leader() == Some(me) {
                HandOver::NoOtherVoter
            } else {
                HandOver::Done
            };
        };
        if raft.trigger().transfer_leader(target.0).await.is_err() {
            return HandOver::Done;
        }
        let mut changed = self.changed();
        loop {
            changed.borrow_and_update();
            if self.leader().is_some_and(|leader| leader != me) {
                return HandOver::Done;
            }
            match timeout_at(deadline, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return HandOver::Done,
                Err(_) => return HandOver::TimedOut,
            }
        }
    }

    /// Returns the other voter that has most of the log, if this node leads. A voter with a full
    /// disk is taken only if all others have one.
    pub(super) fn transfer_target(&self) -> Option<RaftId> {
        let status = self.status();
        if status.leader != Some(self.inner.me.raft_id) {
            return None;
        }
        let others = status
            .progress
            .iter()
            .filter(|(id, ..)| *id != self.inner.me.raft_id && status.voters.contains(id));
        others
            .max_by_key(|(id, matched, _)| (!self.is_member_full(*id), *matched))
            .map(|(id, ..)| *id)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::SeqCst)
    }

    /// Stops Raft, then closes the log.
    pub async fn shutdown(&self) {
        // Stopped first: callers that propose from now on get the answer that nothing was proposed.
        self.inner.tasks.stop();
        self.inner.transport.detach(&self.inner.me);
        // An error means that openraft has ended before. There is nothing else to wait for.
        drop(self.inner.raft.shutdown().await);
        self.inner.log.close().await;
    }
}

/// Counts the changes that [`Raft::changed`] promises, until the node has ended.
async fn watch_changes(
    inner: Weak<Inner>,
    raft: OpenRaft,
    halt_latch: HaltLatch,
    notify: watch::Sender<u64>,
) {
    let (mut server, mut halt) = (raft.server_metrics(), halt_latch.watch());
    let (mut all, mut leader) = (raft.metrics(), None);
    let mut running = true;
    while running {
        let Some(interval) = inner
            .upgrade()
            .map(|inner| inner.timers.leader_poll_interval)
        else {
            return;
        };
        let polled = tokio::select! {
            biased;
            more = WatchReceiver::changed(&mut server) => {
                running = more.is_ok();
                false
            }
            _ = halt.changed() => false,
            // Changes with each applied entry too. Only the end of openraft's core is of interest
            // here.
            more = WatchReceiver::changed(&mut all) => {
                running = more.is_ok() && all.borrow_watched().running_state.is_ok();
                running
            }
            // The loss of contact with a leader causes no event.
            () = tokio::time::sleep(interval) => true,
        };
        let Some(inner) = inner.upgrade() else { return };
        let now = Raft { inner }.leader();
        if !polled || now != leader {
            leader = now;
            notify.send_modify(|count| *count += 1);
        }
    }
}
