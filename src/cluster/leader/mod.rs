//! Runs the membership task of the leader (founding.md 7): the IO around the machine beside it.
//!
//! Owns: founding's first command, the order at the begin of a leadership, carrying out steps, each
//! with a deadline. Never: deciding what the next step is.

mod evidence;
mod execute;
mod first_command;
pub(in crate::cluster) mod join;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cluster::Refusal;
use crate::cluster::leader::execute::execute;
use crate::cluster::leader::first_command::found;
use crate::cluster::membership::{Event, Facts, Membership, Progress, Request, Setup, Step};
use crate::cluster::shared::{RemovalRequest, Shared};
use crate::raft::{Raft, Role};
use crate::runtime::lock;
use crate::runtime::net::BoxFuture;
use crate::wire::identity::FEATURE_LEVEL;

/// One attempt: far more than a commit takes, and short enough to look again who leads.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// After one that failed.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(100);
/// More than so many do not vote (design.md 4).
const MAX_VOTERS: usize = 5;
/// T of founding.md 7 is two election timeouts, and at least so long.
const MIN_SILENCE: Duration = Duration::from_secs(2);
/// People's removals that wait at once.
const MAX_QUEUED_REMOVALS: usize = 16;

/// Runs as long as the Raft node; acts while this node leads.
pub(in crate::cluster) async fn lead(shared: Arc<Shared>, raft: Raft) {
    let stop = shared.env.tasks.clone();
    let work = async {
        let mut changed = raft.changed();
        loop {
            changed.borrow_and_update();
            while raft.status().role == Role::Leader {
                Leadership::new(&shared, &raft).run().await;
                shared.set_leader_handle(None);
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
    shared.set_leader_handle(None);
}

pub(in crate::cluster) fn setup(shared: &Shared, me: crate::base::RaftId) -> Setup {
    Setup {
        me,
        max_voters: MAX_VOTERS,
        silence: MIN_SILENCE.max(shared.config.raft.base * 2),
    }
}

/// What others see of the present leadership.
#[derive(Clone)]
pub(in crate::cluster) struct LeaderHandle {
    pub(in crate::cluster) since: Instant,
    pub(in crate::cluster) removals: mpsc::Sender<RemovalRequest>,
    /// A newcomer has been given a Raft id: look.
    pub(in crate::cluster) wake: Arc<tokio::sync::Notify>,
}

struct Leadership<'a> {
    shared: &'a Arc<Shared>,
    raft: &'a Raft,
    since: Instant,
    /// Between two looks it may have been lost and won again: that is another leadership.
    term: u64,
    machine: Membership,
    /// Whom to tell, by the number of the request.
    waiting: BTreeMap<u64, RemovalRequest>,
    requests: u64,
}

impl<'a> Leadership<'a> {
    fn new(shared: &'a Arc<Shared>, raft: &'a Raft) -> Self {
        let me = shared
            .record()
            .seat()
            .map(|seat| seat.raft_id)
            .unwrap_or_default();
        let machine = Membership::new(setup(shared, me));
        Self {
            shared,
            raft,
            since: Instant::now(),
            term: raft.status().term,
            machine,
            waiting: BTreeMap::new(),
            requests: 0,
        }
    }

    /// Until this node does not lead any more.
    async fn run(mut self) {
        found(self.shared, self.raft).await;
        if !self.own_entry_applied().await {
            return;
        }
        let (removals, mut asked) = mpsc::channel(MAX_QUEUED_REMOVALS);
        let news = Arc::new(tokio::sync::Notify::new());
        self.shared.set_leader_handle(Some(LeaderHandle {
            since: self.since,
            removals,
            wake: news.clone(),
        }));
        let mut changed = self.raft.changed();
        let mut in_flight: Option<BoxFuture<'_, Event>> = None;
        let mut event = Event::Looked;
        while self.leads() {
            let now = self.since.elapsed();
            let step = self
                .machine
                .handle(now, &facts(self.shared, self.raft), event);
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
                () = news.notified() => Event::Looked,
                more = changed.changed() => {
                    if more.is_err() { break }
                    Event::Looked
                }
                () = tokio::time::sleep_until(wake_at) => Event::Looked,
            };
        }
        // Whoever waits asks the next leader: what was begun here it finishes.
        for removal in self.waiting.into_values() {
            removal.tell(Err(Refusal::NotYet(
                "leadership changed meanwhile; ask again".to_owned(),
            )));
        }
    }

    fn leads(&self) -> bool {
        let status = self.raft.status();
        status.role == Role::Leader && status.term == self.term
    }

    /// Before that a leader's membership may be newer than its catalog, and it would undo what is
    /// half done.
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
        let (shared, raft, since) = (self.shared.clone(), self.raft.clone(), self.since);
        async move { execute(&shared, &raft, since, step).await }
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
        self.waiting.insert(number, removal);
        Event::Remove(request)
    }

    fn publish(&mut self) {
        for (number, result) in self.machine.answered() {
            if let Some(removal) = self.waiting.remove(&number) {
                removal.tell(result);
            }
        }
        let catalog = self.raft.applied().borrow().catalog.clone();
        let incarnations = catalog
            .pendings
            .keys()
            .chain(catalog.meta_nodes.values().map(|n| &n.incarnation));
        let states = incarnations
            .filter_map(|who| Some((*who, self.machine.state(*who)?)))
            .collect();
        *lock(&self.shared.task_states) = states;
        *lock(&self.shared.task_alarms) = self.machine.alarms();
    }
}

/// However eager the machine is: it never spins.
const MIN_STEP_INTERVAL: Duration = Duration::from_millis(20);

/// The end of the step in flight.
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

/// The catalog first; see [`Facts`].
pub(in crate::cluster) fn facts(shared: &Shared, raft: &Raft) -> Facts {
    let catalog = raft.applied().borrow().catalog.clone();
    let membership = raft.membership();
    let status = raft.status();
    let progress = status.progress.into_iter();
    Facts {
        catalog,
        voters: membership.voters,
        outgoing: membership.outgoing,
        learners: membership.learners,
        last_log: status.last_log.map_or(0, |last| last.index),
        progress: progress
            .map(|(id, matched, acked)| (id, Progress { matched, acked }))
            .collect(),
        heard: shared.all_heard(),
        levels: lock(&shared.levels).clone(),
        supported: FEATURE_LEVEL,
    }
}
