//! This node's task: executes the actions of `founding`, asks the cluster for membership, opens and
//! closes Raft, and publishes this node's state.
//!
//! Owns: the order of opening Raft (founding.md 5), every write of the file `identity`, and
//! everything in [`state::NodeState`]. Never: a rule of founding.

mod admission;
mod advance;
pub(in crate::cluster) mod context;
pub(in crate::cluster) mod handle;
mod identity_file;
mod join_answer;
mod join_request;
mod membership_request;
mod open_raft;
mod own_name;
mod polling;
mod progress_log;
mod publish;
mod retry;
pub(in crate::cluster) mod senders;
pub(in crate::cluster) mod start;
pub(in crate::cluster) mod state;
#[cfg(test)]
mod tests;
mod view_builder;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::handle::NodeHandle;
use self::membership_request::{MembershipRequest, PeerAnswer};
use self::open_raft::RaftState;
use self::own_name::OwnNameLookup;
use self::progress_log::ProgressLog;
use self::retry::RetrySchedule;
use self::senders::{NodeOrder, NodeReceivers};
use self::state::NodeStateWriter;
use crate::base::{Address, Incarnation};
use crate::cluster::error::ClusterError;
use crate::cluster::founding::{Action, Event, Founding};
use crate::cluster::leader::state::{LeaderState, LeaderStateWriter};
use crate::cluster::peers::exchange::PollError;
use crate::cluster::peers::gossip::Gossip;
use crate::raft::Transport;
use crate::runtime::net::BoxFuture;
use crate::wire::identity::{Identity, Phase};
use crate::wire::joining::Invite;

/// Maximum time between two checks of Raft and of the warnings and repeated lines for the text log.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// One ended poll: address, number, and the result of each socket address.
type Polled = (Address, u64, Vec<Result<Identity, PollError>>);

struct NodeTask {
    node: NodeHandle,
    state: NodeStateWriter,
    leader: Arc<LeaderState>,
    /// Given to the leader's task of each Raft node that is opened.
    leader_writer: Arc<tokio::sync::Mutex<LeaderStateWriter>>,
    gossip: Arc<Gossip>,
    failures: mpsc::Sender<ClusterError>,
    transport: Transport,
    founding: Founding,
    received: NodeReceivers,
    polls: FuturesUnordered<BoxFuture<'static, Polled>>,
    requests: FuturesUnordered<BoxFuture<'static, PeerAnswer>>,
    /// Actions of founding that are not executed yet.
    actions: Vec<Action>,
    retry: RetrySchedule,
    request: Option<MembershipRequest>,
    /// The last invitation of a member, and the time of its arrival.
    invited: Option<(Invite, Duration)>,
    /// This member may have been removed from its cluster: the cluster must be asked.
    suspicious: bool,
    leaderless_since: Option<Duration>,
    /// Last own address that the catalog had for this node during this life of the process.
    held_address: Option<Address>,
    /// Time at which the way into a cluster began; `join-timeout` counts from here.
    set_out: Duration,
    /// Feature level that each incarnation named last. Kept while it is silent.
    levels: BTreeMap<Incarnation, u32>,
    /// Whether the last answer of each incarnation proved the secret, and the time of the answer.
    proofs: BTreeMap<Incarnation, (bool, Duration)>,
    raft_state: RaftState,
    raft_changed: Option<watch::Receiver<u64>>,
    progress_log: ProgressLog,
    own_name_lookup: Option<OwnNameLookup>,
    /// Start of the task. All `Duration` times here and in founding count from it.
    began: Instant,
}

/// Events of the node's task.
enum NodeEvent {
    Founding(Event),
    /// Raft changed, or time passed.
    Checked,
    Answered(PeerAnswer),
    Ordered(NodeOrder),
}

impl NodeTask {
    /// Ends with the process's tasks, or with the first failure. After a failure nothing is tried
    /// again: another attempt could open the log a second time while the first Raft node still
    /// writes to it.
    async fn run(mut self) {
        if let Err(error) = self.run_until_stopped().await {
            // One failure ends the process; a second has nothing to add.
            drop(self.failures.try_send(error));
        }
    }

    async fn run_until_stopped(&mut self) -> Result<(), ClusterError> {
        self.step(Event::Tick).await?;
        let stopping = self.node.context.env.tasks.clone();
        loop {
            let wake_at = self.wake_at();
            let happened = tokio::select! {
                biased;
                () = stopping.stopped() => return Ok(()),
                Some((at, number, results)) = self.polls.next() => {
                    NodeEvent::Founding(Event::Polled { at, number, results })
                }
                Some(answer) = self.requests.next() => NodeEvent::Answered(answer),
                () = changed(&mut self.raft_changed) => NodeEvent::Checked,
                () = tokio::time::sleep_until(wake_at) => NodeEvent::Checked,
                Some(order) = self.received.orders.recv() => NodeEvent::Ordered(order),
                // Last: anyone may send hints, and a flood of them must not delay the rest.
                Some(hint) = self.received.hints.recv() => NodeEvent::Founding(hint),
            };
            self.on(happened).await?;
            if self.received.is_stopping() {
                return Ok(());
            }
        }
    }

    async fn on(&mut self, happened: NodeEvent) -> Result<(), ClusterError> {
        let event = match happened {
            NodeEvent::Founding(event) => event,
            NodeEvent::Checked => self.cluster_event(),
            NodeEvent::Answered(answer) => {
                self.on_answer(answer).await?;
                self.cluster_event()
            }
            // A node that is invited joins: it must not found a second cluster meanwhile.
            NodeEvent::Ordered(NodeOrder::FoundAlone) if self.invitation().is_some() => Event::Tick,
            NodeEvent::Ordered(NodeOrder::FoundAlone) => Event::FoundAlone,
            NodeEvent::Ordered(NodeOrder::Invited(invite)) => {
                self.invited = Some((invite, self.now()));
                Event::Invited
            }
            NodeEvent::Ordered(NodeOrder::Suspect) => {
                self.suspicious = true;
                Event::Tick
            }
        };
        if let Event::Polled { results, .. } = &event {
            self.note_heard(results);
        }
        self.step(event).await
    }

    /// Handles one event and everything that follows from it at once.
    async fn step(&mut self, event: Event) -> Result<(), ClusterError> {
        let actions = self.founding.handle(self.now(), event);
        self.actions.extend(actions);
        self.execute_actions().await?;
        self.publish();
        self.advance().await?;
        self.execute_actions().await?;
        self.note_leader();
        self.note_registered();
        self.send_due_request();
        self.publish();
        self.look_up_own_name();
        self.report_progress()
    }

    async fn execute_actions(&mut self) -> Result<(), ClusterError> {
        // Published first: a poll is also the hint to poll this node, and the identity in it must
        // be the one that this node then answers. Founding shows nothing that is not durable
        // (founding.md P2).
        self.publish_identity();
        while !self.actions.is_empty() {
            for action in std::mem::take(&mut self.actions) {
                match action {
                    Action::Poll { at, number } => self.poll(at, number),
                    Action::Store { record, why } => {
                        self.state.store_record(&record).await?;
                        self.progress_log.stored(&record, why);
                        self.adopt(*record);
                    }
                }
            }
            self.publish_identity();
        }
        Ok(())
    }

    /// # Errors
    /// `join-timeout` passed.
    fn report_progress(&mut self) -> Result<(), ClusterError> {
        let view = self.node.state.view();
        let now = self.now();
        self.progress_log.report(now, &view);
        let limit = self.node.context.config.join_timeout;
        let is_outside = matches!(
            self.founding.record().phase(),
            Phase::Fresh | Phase::Joining
        );
        let waits = is_outside && !self.founding.is_manual();
        if waits && !limit.is_zero() && now >= self.set_out + limit {
            return Err(ClusterError::JoinTimeout {
                after: limit,
                reason: view.reason.clone(),
            });
        }
        Ok(())
    }

    fn wake_at(&self) -> Instant {
        let now = self.now();
        let founding = self.founding.wake_at(now);
        let mut wake = founding
            .unwrap_or(now + CHECK_INTERVAL)
            .min(now + CHECK_INTERVAL);
        // A request that is overdue has no target yet: a poll will find one.
        if let Some(due) = self
            .request
            .and_then(|_| self.retry.wake_at())
            .filter(|due| *due > now)
        {
            wake = wake.min(due);
        }
        let limit = self.set_out + self.node.context.config.join_timeout;
        if limit > now {
            wake = wake.min(limit);
        }
        self.began + wake
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Resolves at the next change of the Raft node; never while there is none.
async fn changed(raft: &mut Option<watch::Receiver<u64>>) {
    let Some(receiver) = raft else {
        return std::future::pending().await;
    };
    if receiver.changed().await.is_err() {
        // The Raft node has ended: nothing will change any more.
        std::future::pending().await
    }
}
