//! The leader's task: executes the steps of `membership` (founding.md 7).
//!
//! Owns: the first command of a cluster, the order of actions at the start of a leadership, and the
//! execution of steps, each with a deadline. Never: the decision which step is next.

mod evidence;
mod execute;
pub(in crate::cluster) mod facts;
mod first_command;
pub(in crate::cluster) mod join;
mod refusals;
pub(in crate::cluster) mod state;
mod timing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify, mpsc};
use tokio::time::Instant;

use crate::cluster::leader::execute::execute;
use crate::cluster::leader::facts::{facts, setup};
use crate::cluster::leader::first_command::found;
use crate::cluster::leader::state::{LeaderHandle, LeaderStateWriter, RemovalRequest};
use crate::cluster::leader::timing::{RETRY_DELAY, STEP_TIMEOUT};
use crate::cluster::membership::{Event, Membership, Request, Step};
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::refusal::{NotYet, Refusal};

use crate::raft::{Raft, Role};
use crate::runtime::net::BoxFuture;

/// Maximum number of removals in the queue.
const MAX_QUEUED_REMOVALS: usize = 16;

/// Minimum time between two steps: the task never runs in a busy loop, whatever `membership` asks
/// for.
const MIN_STEP_INTERVAL: Duration = Duration::from_millis(20);

/// Runs as long as the Raft node; acts while this node leads.
pub(in crate::cluster) async fn lead(
    node: NodeHandle,
    writer: Arc<Mutex<LeaderStateWriter>>,
    raft: Raft,
) {
    let stop = node.context.env.tasks.clone();
    let work = async {
        // Waits until the task of an earlier Raft node has ended.
        let writer = WriterGuard(writer.lock().await);
        let mut changed = raft.changed();
        loop {
            changed.borrow_and_update();
            while raft.status().role == Role::Leader {
                Leadership::new(&node, &writer.0, &raft).run().await;
                writer.0.end();
                tokio::task::yield_now().await;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.stopped() => {}
        () = raft.closed() => {}
        () = work => {}
    }
}

/// Ends the published leadership when the task ends, before the lock is released.
struct WriterGuard<'a>(MutexGuard<'a, LeaderStateWriter>);

impl Drop for WriterGuard<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Leadership<'a> {
    node: &'a NodeHandle,
    writer: &'a LeaderStateWriter,
    raft: &'a Raft,
    since: Instant,
    /// Leadership that was lost and won again between two checks is another leadership.
    term: u64,
    machine: Membership,
    /// Removals in progress, by the number of the request.
    removals: BTreeMap<u64, RemovalRequest>,
    /// Number of the last request.
    requests: u64,
}

impl<'a> Leadership<'a> {
    fn new(node: &'a NodeHandle, writer: &'a LeaderStateWriter, raft: &'a Raft) -> Self {
        Self {
            node,
            writer,
            raft,
            since: Instant::now(),
            term: raft.status().term,
            machine: Membership::new(setup(node)),
            removals: BTreeMap::new(),
            requests: 0,
        }
    }

    /// Runs until this node no longer leads.
    async fn run(mut self) {
        found(self.node, self.raft).await;
        if !self.own_entry_applied().await {
            return;
        }
        let (removals, mut asked) = mpsc::channel(MAX_QUEUED_REMOVALS);
        let wake = Arc::new(Notify::new());
        self.writer.begin(LeaderHandle {
            since: self.since,
            removals,
            refusals: Arc::default(),
            wake: wake.clone(),
        });
        let mut changed = self.raft.changed();
        let mut in_flight: Option<BoxFuture<'_, Event>> = None;
        let mut event = Event::Tick;
        while self.leads() {
            let now = self.since.elapsed();
            let step = self
                .machine
                .handle(now, &facts(self.node, self.raft), event);
            self.publish();
            if let Some(step) = step {
                tracing::debug!(
                    event = "membership.step",
                    ?step,
                    "the membership task goes on"
                );
                in_flight = Some(Box::pin(self.step(step)));
            }
            let wake_at = self.since + self.machine.wake_at(now).max(now + MIN_STEP_INTERVAL);
            event = tokio::select! {
                biased;
                done = ended(&mut in_flight) => done,
                Some(removal) = asked.recv() => self.enqueue_removal(removal),
                () = wake.notified() => Event::Tick,
                more = changed.changed() => {
                    if more.is_err() { break }
                    Event::Tick
                }
                () = tokio::time::sleep_until(wake_at) => Event::Tick,
            };
        }
        // The callers ask the next leader, which finishes what was begun here.
        for removal in self.removals.into_values() {
            removal.answer(Err(Refusal::NotYet(NotYet::LeadershipChanged)));
        }
    }

    fn leads(&self) -> bool {
        let status = self.raft.status();
        status.role == Role::Leader && status.term == self.term
    }

    /// Waits until this leader's own first entry is applied; `false` when it no longer leads.
    /// Before that the membership may be newer than the catalog, and `membership` would undo what
    /// is half done.
    async fn own_entry_applied(&self) -> bool {
        while self.leads() {
            let barrier = self.raft.barrier(Instant::now() + STEP_TIMEOUT).await;
            if barrier.is_ok() && self.raft.applied().borrow().catalog.cluster.is_some() {
                return true;
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        false
    }

    fn step(&self, step: Step) -> impl Future<Output = Event> + Send + use<> {
        let (node, raft, since) = (self.node.clone(), self.raft.clone(), self.since);
        async move { execute(&node, &raft, since, step).await }
    }

    fn enqueue_removal(&mut self, removal: RemovalRequest) -> Event {
        self.requests += 1;
        let (number, raft_id) = (self.requests, removal.raft_id);
        let request = Request {
            raft_id,
            force: removal.force,
            by: removal.by.clone(),
            number,
        };
        self.removals.insert(number, removal);
        Event::Remove(request)
    }

    fn publish(&mut self) {
        for (number, result) in self.machine.answered() {
            if let Some(removal) = self.removals.remove(&number) {
                removal.answer(result);
            }
        }
        let catalog = self.raft.applied().borrow().catalog.clone();
        let incarnations = catalog
            .pendings
            .keys()
            .chain(catalog.meta_nodes.values().map(|n| &n.incarnation));
        let waiting = incarnations
            .filter_map(|who| Some((*who, self.machine.state(*who)?)))
            .collect();
        self.writer.publish(waiting, self.machine.alarms());
    }
}

/// Resolves with the end of the step in flight; never while there is none.
async fn ended(in_flight: &mut Option<BoxFuture<'_, Event>>) -> Event {
    match in_flight {
        None => std::future::pending().await,
        Some(step) => {
            let event = step.await;
            *in_flight = None;
            event
        }
    }
}
