//! Carries out what `founding` decides: polls, stores, opens Raft, tells people.
//!
//! Owns: the one task that feeds the machine, and the order of opening Raft (founding.md 5). Never:
//! a rule of founding. It is the only writer of the `identity` file.

mod admission;
mod join_answer;
mod join_request;
mod open_raft;
mod progress_log;
mod publish;
mod retry;
#[cfg(test)]
mod tests;
mod view_builder;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::join_request::{MembershipRequest, PeerAnswer};
use self::open_raft::RaftState;
use self::progress_log::ProgressLog;
use self::retry::RetrySchedule;
use crate::base::{Address, Incarnation, RaftId};
use crate::cluster::founding::{Action, Event, Founding, Setup};
use crate::cluster::identity::record::{self, Record};
use crate::cluster::node::admission::ClusterAdmission;
use crate::cluster::peers::{gossip, poll};
use crate::cluster::shared::{NodeOrder, NodeSenders, Shared};
use crate::cluster::{ClusterConfig, ClusterError, Exchange, leader};
use crate::raft::{Raft, Transport};
use crate::runtime::Env;
use crate::runtime::net::BoxFuture;
use crate::storage::DataDir;
use crate::wire::identity::{Identity, Phase};
use crate::wire::joining::Invite;

/// More hints than a few a second say nothing new; what does not fit comes again.
const MAX_QUEUED_HINTS: usize = 64;
/// Of people and of other members: more at once are asked again.
const MAX_QUEUED_ORDERS: usize = 16;

pub(in crate::cluster) use gossip::Gossip;

/// What starting gives: what others read, and where failures arrive.
pub(in crate::cluster) struct Started {
    pub(in crate::cluster) shared: Arc<Shared>,
    pub(in crate::cluster) gossip: Arc<Gossip>,
    pub(in crate::cluster) failures: mpsc::Receiver<ClusterError>,
}

/// Loads or makes the identity, listens on 8089, opens Raft if this node is in a cluster, starts
/// the task.
pub(in crate::cluster) async fn start(
    env: Env,
    dir: DataDir,
    config: ClusterConfig,
    exchange: Arc<dyn Exchange>,
    raft_listen: SocketAddr,
) -> Result<Started, ClusterError> {
    let record = load_or_make(&env, &dir).await?;
    let (hints, events) = mpsc::channel(MAX_QUEUED_HINTS);
    let (orders, ordered) = mpsc::channel(MAX_QUEUED_ORDERS);
    let (failures, failed) = mpsc::channel(1);
    let began = Instant::now();
    let setup = Setup::new(&config, raft_listen.port(), env.rng.u64());
    let founding = Founding::new(setup, record.clone(), Duration::ZERO);
    let first = (record, founding.identity(), view_builder::first(&founding));
    let ends = NodeSenders {
        hints,
        orders,
        failures,
    };
    let shared = Arc::new(Shared::new(
        env.clone(),
        dir,
        config,
        first,
        exchange.clone(),
        ends,
    ));
    let admission = Arc::new(ClusterAdmission::new(shared.clone()));
    let transport = Transport::listen(&env, raft_listen, admission)
        .await
        .map_err(|source| cannot_listen(raft_listen, &source))?;
    let gossip = Arc::new(Gossip::new(shared.clone()));
    let driver = NodeTask {
        shared: shared.clone(),
        gossip: gossip.clone(),
        exchange,
        transport,
        founding,
        events,
        ordered,
        polls: FuturesUnordered::new(),
        asks: FuturesUnordered::new(),
        later: Vec::new(),
        retry: RetrySchedule::default(),
        request: None,
        invited: None,
        suspicious: false,
        leaderless_since: None,
        set_out: Duration::ZERO,
        levels: BTreeMap::new(),
        raft_state: RaftState::default(),
        raft_changed: None,
        progress_log: ProgressLog::new(),
        own_name_asked: false,
        began,
    };
    env.tasks.detach(driver.run());
    Ok(Started {
        shared,
        gossip,
        failures: failed,
    })
}

fn cannot_listen(at: SocketAddr, error: &std::io::Error) -> ClusterError {
    let source = std::io::Error::new(error.kind(), format!("{at}: {error}"));
    ClusterError::Io {
        operation: "listening on bind-address",
        source,
    }
}

async fn load_or_make(env: &Env, dir: &DataDir) -> Result<Record, ClusterError> {
    let disk = dir.clone();
    let io = |operation| move |source| ClusterError::Io { operation, source };
    let read = env.tasks.blocking(move || disk.load(record::FILE)).await;
    if let Some(bytes) = read.map_err(io("reading the file `identity`"))? {
        let record = Record::decode(&bytes)?;
        finish_setting_aside(env, dir, &record).await?;
        return Ok(record);
    }
    let record = new_record(env);
    // P1: durable before any packet mentions it. A node that forgot what it was called could vote
    // twice.
    let (disk, bytes) = (dir.clone(), record.encode());
    let stored = env
        .tasks
        .blocking(move || disk.store(record::FILE, &bytes))
        .await;
    stored.map_err(io("writing the file `identity`"))?;
    Ok(record)
}

/// A fresh node has no log: what lies there is of a life that it was about to leave behind.
async fn finish_setting_aside(
    env: &Env,
    dir: &DataDir,
    record: &Record,
) -> Result<(), ClusterError> {
    if record.phase() != Phase::Fresh {
        return Ok(());
    }
    let (dir, life) = (dir.clone(), record.incarnation.to_string());
    let done = env.tasks.blocking(move || dir.archive_log(&life)).await;
    done.map_err(|source| ClusterError::Io {
        operation: "setting the old log aside",
        source,
    })
}

fn new_record(env: &Env) -> Record {
    let mut incarnation = [0; 16];
    env.rng.fill(&mut incarnation);
    Record::fresh(Incarnation(incarnation))
}

/// For the look-up of the own name, which only warns.
const OWN_NAME_LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

type Answers = (
    Address,
    u64,
    Vec<Result<Identity, crate::cluster::PollError>>,
);

struct NodeTask {
    shared: Arc<Shared>,
    gossip: Arc<Gossip>,
    exchange: Arc<dyn Exchange>,
    transport: Transport,
    founding: Founding,
    events: mpsc::Receiver<Event>,
    ordered: mpsc::Receiver<NodeOrder>,
    polls: FuturesUnordered<BoxFuture<'static, Answers>>,
    asks: FuturesUnordered<BoxFuture<'static, PeerAnswer>>,
    /// What founding asked for and is not carried out yet.
    later: Vec<Action>,
    retry: RetrySchedule,
    request: Option<MembershipRequest>,
    /// A member asked this node to join, and when.
    invited: Option<(Invite, Duration)>,
    /// Somebody says that this member was taken out of its cluster.
    suspicious: bool,
    leaderless_since: Option<Duration>,
    /// Since when this node is on the way into a cluster.
    set_out: Duration,
    /// What each incarnation has said that it can read: one that is silent now has not forgotten
    /// it.
    levels: BTreeMap<Incarnation, u32>,
    raft_state: RaftState,
    raft_changed: Option<watch::Receiver<u64>>,
    progress_log: ProgressLog,
    own_name_asked: bool,
    /// The founding machine's time counts from here.
    began: Instant,
}

impl NodeTask {
    /// Ends with the process's tasks, or with the first failure. After one nothing is tried again:
    /// another attempt could open the log a second time while the first Raft node still writes to
    /// it.
    async fn run(mut self) {
        if let Err(error) = self.live().await {
            self.shared.fail(error);
        }
    }

    async fn live(&mut self) -> Result<(), ClusterError> {
        self.step(Event::Tick).await?;
        let stopping = self.shared.env.tasks.clone();
        loop {
            let wake_at = self.wake_at();
            let happened = tokio::select! {
                biased;
                () = stopping.stopped() => return Ok(()),
                Some((at, number, results)) = self.polls.next() => {
                    NodeEvent::Founding(Event::Polled { at, number, results })
                }
                Some(asked) = self.asks.next() => NodeEvent::Asked(asked),
                () = changed(&mut self.raft_changed) => NodeEvent::Checked,
                () = tokio::time::sleep_until(wake_at) => NodeEvent::Checked,
                Some(order) = self.ordered.recv() => NodeEvent::Ordered(order),
                // Last: anyone may send hints, and a flood of them must not keep the rest waiting.
                Some(hint) = self.events.recv() => NodeEvent::Founding(hint),
            };
            self.on(happened).await?;
            if self.shared.is_stopping() {
                return Ok(());
            }
        }
    }

    async fn on(&mut self, happened: NodeEvent) -> Result<(), ClusterError> {
        let event = match happened {
            NodeEvent::Founding(event) => event,
            NodeEvent::Checked => self.cluster_event(),
            NodeEvent::Asked(asked) => {
                self.on_asked(asked).await?;
                self.cluster_event()
            }
            NodeEvent::Ordered(NodeOrder::FoundAlone) => Event::Alone,
            NodeEvent::Ordered(NodeOrder::Invited(invite)) => {
                self.invited = Some((invite, self.now()));
                Event::Tick
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

    /// One event, and everything that follows from it at once.
    async fn step(&mut self, event: Event) -> Result<(), ClusterError> {
        let actions = self.founding.handle(self.now(), event);
        self.later.extend(actions);
        self.execute_actions().await?;
        self.publish();
        self.advance().await?;
        self.execute_actions().await?;
        self.note_leader();
        self.send_due_request();
        self.publish();
        self.look_up_own_name();
        self.report_progress()
    }

    async fn execute_actions(&mut self) -> Result<(), ClusterError> {
        // First: a poll is also the hint to look here, and what it carries must be what is to be
        // seen. The machine shows nothing that is not durable (P2).
        self.publish_identity();
        while !self.later.is_empty() {
            for action in std::mem::take(&mut self.later) {
                match action {
                    Action::Poll { at, number } => self.poll(at, number),
                    Action::Store { record, why } => {
                        self.shared.store(&record).await?;
                        self.progress_log.stored(&record, why);
                        self.shared.set_record((*record).clone());
                        self.adopt(*record);
                    }
                }
            }
            self.publish_identity();
        }
        Ok(())
    }

    /// Once the own name is known: others will look it up, so it had better be found.
    fn look_up_own_name(&mut self) {
        let Some(own) = self.founding.own().filter(|_| !self.own_name_asked) else {
            return;
        };
        self.own_name_asked = true;
        let shared = self.shared.clone();
        self.shared.env.tasks.detach(async move {
            let found = shared.env.net.resolve(own.host(), own.port());
            let found = tokio::time::timeout(OWN_NAME_LOOKUP_TIMEOUT, found).await;
            if !matches!(found, Ok(Ok(addresses)) if !addresses.is_empty()) {
                tracing::warn!(
                    event = "advertise.unknown",
                    "{}, the name that others are given for this node, does not resolve here; set \
                     INFLUXDB_HOSTNAME to one that does",
                    own.host()
                );
                shared.own_name_unknown.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Opens Raft once this node is in a cluster, and follows what the cluster makes of it.
    async fn advance(&mut self) -> Result<(), ClusterError> {
        let record = self.founding.record().clone();
        if record.seat().is_some() && self.raft_state.is_due() {
            self.raft_state = open_raft::open(&self.shared, &self.transport, record).await?;
            let Some(raft) = self.raft_state.raft().cloned() else {
                return Ok(());
            };
            self.raft_changed = Some(raft.changed());
            self.adopt(self.shared.record());
            self.follow(&raft);
        }
        let Some(raft) = self.raft_state.raft().cloned() else {
            return Ok(());
        };
        let record = self.founding.record().clone();
        let seen_in = |raft_id: RaftId| {
            let status = raft.status();
            let listed = || {
                raft.applied()
                    .borrow()
                    .catalog
                    .meta_node_by_raft_id(raft_id)
                    .is_some()
            };
            // A learner is a member once the catalog has it: before that it may be taken out
            // without a word.
            status.voters.contains(&raft_id) || (status.learners.contains(&raft_id) && listed())
        };
        // Seen in a *committed* membership: only that one is there to stay.
        if record.seat().is_some_and(|seat| seen_in(seat.raft_id))
            && let Some(member) = record.member()
        {
            self.shared.store(&member).await?;
            self.shared.set_record(member.clone());
            self.invited = None;
            self.retry.settled(self.now(), None);
            self.adopt(member);
        }
        Ok(())
    }

    /// The tasks that live as long as the open Raft node.
    fn follow(&self, raft: &Raft) {
        let tasks = &self.shared.env.tasks;
        tasks.detach(leader::lead(self.shared.clone(), raft.clone()));
        tasks.detach(gossip::tell_others(
            self.gossip.clone(),
            self.exchange.clone(),
            raft.clone(),
        ));
        let (shared, raft) = (self.shared.clone(), raft.clone());
        tasks.detach(async move {
            let stopped = shared.env.tasks.clone();
            let text = tokio::select! {
                biased;
                () = stopped.stopped() => return,
                () = raft.closed() => return,
                text = raft.fatal() => text,
            };
            let source = std::io::Error::other(text);
            shared.fail(ClusterError::Io {
                operation: "writing the log",
                source,
            });
        });
    }

    fn poll(&mut self, at: Address, number: u64) {
        let (env, exchange, ours) = (
            self.shared.env.clone(),
            self.exchange.clone(),
            self.shared.identity(),
        );
        self.polls.push(Box::pin(async move {
            let results = poll::poll(&env, &*exchange, &at, ours).await;
            (at, number, results)
        }));
    }

    fn note_heard(&mut self, results: &[Result<Identity, crate::cluster::PollError>]) {
        for theirs in results.iter().flatten() {
            self.shared.heard(theirs.incarnation);
            if self.levels.len() < MAX_REMEMBERED_LEVELS
                || self.levels.contains_key(&theirs.incarnation)
            {
                self.levels.insert(theirs.incarnation, theirs.feature_level);
            }
            let is_member = self
                .founding
                .record()
                .seat()
                .is_some_and(|s| theirs.cluster_id == Some(s.cluster_id));
            if is_member {
                self.gossip.polled(theirs);
            }
        }
    }

    /// What the open Raft node knows; without one, that time passed.
    fn cluster_event(&self) -> Event {
        let Some(raft) = self.raft_state.raft() else {
            return Event::Tick;
        };
        let applied = raft.applied().borrow().clone();
        let members = applied
            .catalog
            .meta_nodes
            .values()
            .map(|node| node.http.clone())
            .collect();
        Event::Cluster {
            leader_known: raft.status().leader.is_some(),
            members,
        }
    }

    /// # Errors
    /// `join-timeout` passed.
    fn report_progress(&mut self) -> Result<(), ClusterError> {
        let view = self.shared.view.borrow().clone();
        let now = self.now();
        self.progress_log
            .report(now, &view, self.founding.alarm(now).as_ref());
        let limit = self.shared.config.join_timeout;
        let is_outside = matches!(
            self.founding.record().phase(),
            Phase::Fresh | Phase::Joining
        );
        let waits = is_outside && !self.founding.is_manual();
        if waits && !limit.is_zero() && now >= self.set_out + limit {
            return Err(ClusterError::JoinTimeout(limit, view.reason.clone()));
        }
        Ok(())
    }

    fn wake_at(&self) -> Instant {
        let now = self.now();
        let founding = self.founding.wake_at(now);
        let mut wake = founding
            .unwrap_or(now + CHECK_INTERVAL)
            .min(now + CHECK_INTERVAL);
        // Overdue: there is no door to knock at yet, and a poll will show one.
        if let Some(due) = self
            .request
            .and_then(|_| self.retry.wake_at())
            .filter(|due| *due > now)
        {
            wake = wake.min(due);
        }
        let limit = self.set_out + self.shared.config.join_timeout;
        if limit > now {
            wake = wake.min(limit);
        }
        self.began + wake
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// What the driver waits for.
enum NodeEvent {
    Founding(Event),
    /// Raft changed, or time passed.
    Checked,
    Asked(PeerAnswer),
    Ordered(NodeOrder),
}

/// More than any cluster has: whoever is polled may name new incarnations for ever.
const MAX_REMEMBERED_LEVELS: usize = 1024;

/// Warnings and heartbeats of the log are looked at this often when nothing happens.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Resolves at the next change of the Raft node; never while there is none.
async fn changed(raft: &mut Option<watch::Receiver<u64>>) {
    let Some(receiver) = raft else {
        return std::future::pending().await;
    };
    if receiver.changed().await.is_err() {
        // It has ended; there is nothing more to hear.
        std::future::pending().await
    }
}
