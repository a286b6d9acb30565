//! State that the leader's task writes and other tasks read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::base::{Incarnation, RaftId};
use crate::cluster::leader::refusals::JoinRefusals;
use crate::cluster::membership::Alarm;
use crate::cluster::refusal::Refusal;
use crate::runtime::lock;

/// A removal that an operator or a member asked for, on its way to the leader's task.
pub(in crate::cluster) struct RemovalRequest {
    pub(in crate::cluster) raft_id: RaftId,
    pub(in crate::cluster) force: bool,
    /// Name of the caller, for the tombstone.
    pub(in crate::cluster) by: String,
    pub(in crate::cluster) answer: oneshot::Sender<Result<(), Refusal>>,
}

impl RemovalRequest {
    pub(super) fn answer(self, result: Result<(), Refusal>) {
        // Fails when the caller no longer waits.
        drop(self.answer.send(result));
    }
}

/// Channels to the leader's task during one leadership.
#[derive(Clone)]
pub(in crate::cluster) struct LeaderHandle {
    pub(in crate::cluster) since: Instant,
    pub(in crate::cluster) removals: mpsc::Sender<RemovalRequest>,
    pub(in crate::cluster) refusals: Arc<JoinRefusals>,
    /// Wakes the task, for instance when a new node has been given a Raft id.
    pub(in crate::cluster) wake: Arc<Notify>,
}

/// The present leadership of this node, to read. [`LeaderStateWriter`] is the only writer. Empty
/// while this node does not lead.
#[derive(Default)]
pub(in crate::cluster) struct LeaderState(Mutex<Values>);

#[derive(Default)]
struct Values {
    handle: Option<LeaderHandle>,
    waiting: BTreeMap<Incarnation, String>,
    alarms: Vec<Alarm>,
}

impl LeaderState {
    /// Set while this node leads and has applied its own first entry.
    pub(in crate::cluster) fn handle(&self) -> Option<LeaderHandle> {
        lock(&self.0).handle.clone()
    }

    /// For each pending or learner that is not a voter yet: the reason, in one sentence.
    pub(in crate::cluster) fn waiting(&self) -> BTreeMap<Incarnation, String> {
        lock(&self.0).waiting.clone()
    }

    /// The sentence of one node in [`Self::waiting`].
    pub(in crate::cluster) fn waiting_reason(&self, incarnation: Incarnation) -> Option<String> {
        lock(&self.0).waiting.get(&incarnation).cloned()
    }

    pub(in crate::cluster) fn alarms(&self) -> Vec<Alarm> {
        lock(&self.0).alarms.clone()
    }
}

/// The writing half of [`LeaderState`]. One exists. The leader's task of the open Raft node holds
/// its lock, so that the task of a closed Raft node cannot write after the task of the next one.
pub(in crate::cluster) struct LeaderStateWriter(Arc<LeaderState>);

impl LeaderStateWriter {
    pub(in crate::cluster) fn new() -> Self {
        Self(Arc::default())
    }

    pub(in crate::cluster) fn reader(&self) -> Arc<LeaderState> {
        self.0.clone()
    }

    pub(super) fn begin(&self, handle: LeaderHandle) {
        lock(&self.0.0).handle = Some(handle);
    }

    pub(super) fn publish(&self, waiting: BTreeMap<Incarnation, String>, alarms: Vec<Alarm>) {
        let mut values = lock(&self.0.0);
        values.waiting = waiting;
        values.alarms = alarms;
    }

    pub(super) fn end(&self) {
        *lock(&self.0.0) = Values::default();
    }
}
