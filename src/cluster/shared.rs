//! What the driver publishes and others read: the handle, the admission, gossip.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::api::found_promise::FoundPromise;
use super::founding::Event;
use super::identity::record::Record;
use super::leader::LeaderHandle;
use super::{ClusterConfig, ClusterError, Exchange, NotMember, Refusal, View};
use crate::base::{Address, Incarnation, RaftId};
use crate::raft::Raft;
use crate::runtime::{Env, lock};
use crate::storage::DataDir;
use crate::wire::identity::{FEATURE_LEVEL, Identity};
use crate::wire::joining::Invite;

/// What the driver is asked to do, by people and by other members.
pub(super) enum NodeOrder {
    /// founding.md 8: found without anyone.
    FoundAlone,
    Invited(Invite),
    /// This member is said to have been taken out: ask.
    Suspect,
}

/// A person's removal, on its way to the membership task.
pub(super) struct RemovalRequest {
    pub(super) raft_id: RaftId,
    pub(super) force: bool,
    pub(super) by: String,
    pub(super) answer: oneshot::Sender<Result<(), Refusal>>,
}

impl RemovalRequest {
    pub(super) fn tell(self, result: Result<(), Refusal>) {
        // Whoever asked has gone: nobody to tell.
        drop(self.answer.send(result));
    }
}

/// The sending ends of what the driver receives, and of failures.
pub(super) struct NodeSenders {
    pub(super) hints: mpsc::Sender<Event>,
    pub(super) orders: mpsc::Sender<NodeOrder>,
    pub(super) failures: mpsc::Sender<ClusterError>,
}

/// One per process. Locks are held for a few instructions, never across an await.
pub(super) struct Shared {
    pub(super) env: Env,
    pub(super) dir: DataDir,
    pub(super) config: ClusterConfig,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) exchange: Arc<dyn Exchange>,
    ends: NodeSenders,
    /// The lowest feature level that a founder has named.
    pub(super) feature_level: AtomicU32,
    pub(super) stopping: AtomicBool,
    /// The own advertised name was looked up here and not found.
    pub(super) own_name_unknown: AtomicBool,
    record: Mutex<Record>,
    identity: Mutex<Identity>,
    raft: Mutex<Option<Raft>>,
    /// Raft addresses at which a member was seen lately.
    seen: Mutex<BTreeMap<RaftId, Vec<Address>>>,
    heard: Mutex<BTreeMap<Incarnation, Instant>>,
    pub(super) found_promise: Mutex<FoundPromise>,
    /// Of this node's present leadership.
    leading: Mutex<Option<LeaderHandle>>,
    /// What the membership task says of those that wait, and of what a person must look at.
    pub(super) task_states: Mutex<BTreeMap<Incarnation, String>>,
    pub(super) task_alarms: Mutex<Vec<String>>,
    /// Feature levels that members named which answer.
    pub(super) levels: Mutex<BTreeMap<RaftId, u32>>,
}

/// Replace (founding.md 7) asks what was heard in the last seconds; older than this is of no
/// interest.
const HEARD_LIFETIME: Duration = Duration::from_secs(60);
/// More than any cluster has. Without a secret anyone may pose as a new incarnation, and each
/// answer carries all.
const MAX_HEARD: usize = 256;

impl Shared {
    pub(super) fn new(
        env: Env,
        dir: DataDir,
        config: ClusterConfig,
        first: (Record, Identity, View),
        exchange: Arc<dyn Exchange>,
        ends: NodeSenders,
    ) -> Self {
        let (record, identity, view) = first;
        Self {
            env,
            dir,
            config,
            view: watch::Sender::new(Arc::new(view)),
            exchange,
            ends,
            feature_level: AtomicU32::new(FEATURE_LEVEL),
            stopping: AtomicBool::new(false),
            own_name_unknown: AtomicBool::new(false),
            record: Mutex::new(record),
            identity: Mutex::new(identity),
            raft: Mutex::new(None),
            seen: Mutex::default(),
            heard: Mutex::default(),
            found_promise: Mutex::default(),
            leading: Mutex::new(None),
            task_states: Mutex::default(),
            task_alarms: Mutex::default(),
            levels: Mutex::default(),
        }
    }

    pub(super) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    /// To be called with what is on disk, never with what is about to be (P2).
    pub(super) fn set_record(&self, record: Record) {
        *lock(&self.record) = record;
    }

    pub(super) fn set_identity(&self, identity: Identity) {
        *lock(&self.identity) = identity;
    }

    /// What this node says of itself now.
    pub(super) fn identity(&self) -> Identity {
        let mut identity = lock(&self.identity).clone();
        identity.heard = self.heard_lately();
        if let Some(raft) = self.raft() {
            identity.starts.durable_seq = raft.durable_seq();
        }
        identity
    }

    pub(super) fn raft(&self) -> Option<Raft> {
        lock(&self.raft).clone()
    }

    pub(super) fn set_raft(&self, raft: Raft) {
        *lock(&self.raft) = Some(raft);
    }

    pub(super) fn clear_raft(&self) {
        *lock(&self.raft) = None;
    }

    /// Full: what is asked for is asked for again.
    pub(super) fn send_order(&self, order: NodeOrder) {
        drop(self.ends.orders.try_send(order));
    }

    pub(super) fn set_leader_handle(&self, leading: Option<LeaderHandle>) {
        if leading.is_none() {
            lock(&self.task_states).clear();
            lock(&self.task_alarms).clear();
        }
        *lock(&self.leading) = leading;
    }

    /// While this node leads and has applied its own first entry.
    pub(super) fn leader_handle(&self) -> Option<LeaderHandle> {
        lock(&self.leading).clone()
    }

    pub(super) fn not_member(&self) -> NotMember {
        let view = self.view.borrow();
        NotMember {
            phase: view.phase,
            reason: view.reason.clone(),
        }
    }

    pub(super) fn hint(&self, http: &Address, theirs: Option<Identity>, from: IpAddr) {
        let hint = Event::Hint {
            http: http.clone(),
            theirs: theirs.map(Box::new),
            from: Some(from),
        };
        // Bounded, because anyone may send them. Full: whoever hints does so again, and polls find
        // everything without hints.
        drop(self.ends.hints.try_send(hint));
    }

    pub(super) fn set_seen(&self, seen: BTreeMap<RaftId, Vec<Address>>) {
        *lock(&self.seen) = seen;
    }

    pub(super) fn seen(&self, raft_id: RaftId) -> Vec<Address> {
        lock(&self.seen).get(&raft_id).cloned().unwrap_or_default()
    }

    pub(super) fn heard(&self, incarnation: Incarnation) {
        let now = Instant::now();
        let mut heard = lock(&self.heard);
        heard.retain(|_, at| now.duration_since(*at) < HEARD_LIFETIME);
        if heard.len() >= MAX_HEARD && !heard.contains_key(&incarnation) {
            let longest_ago = heard
                .iter()
                .min_by_key(|(_, at)| **at)
                .map(|(incarnation, _)| *incarnation);
            longest_ago.map(|incarnation| heard.remove(&incarnation));
        }
        heard.insert(incarnation, now);
    }

    /// How long ago; `None`: not within the last minute.
    pub(super) fn heard_ago(&self, incarnation: Incarnation) -> Option<Duration> {
        lock(&self.heard).get(&incarnation).map(Instant::elapsed)
    }

    pub(super) fn all_heard(&self) -> BTreeMap<Incarnation, Duration> {
        lock(&self.heard)
            .iter()
            .map(|(incarnation, at)| (*incarnation, at.elapsed()))
            .collect()
    }

    fn heard_lately(&self) -> Vec<(Incarnation, u64)> {
        let since = |at: &Instant| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        lock(&self.heard)
            .iter()
            .map(|(incarnation, at)| (*incarnation, since(at)))
            .collect()
    }

    /// This node has no secret and its cluster was founded with one: it neither admits nor dials on
    /// 8089 (founding.md 11). Not known before `Found` is applied.
    pub(super) fn lacks_the_secret(&self) -> bool {
        self.config.secret.is_none() && self.founded_with_secret()
    }

    /// Not known before `Found` is applied.
    pub(super) fn founded_with_secret(&self) -> bool {
        let Some(raft) = self.raft() else {
            return false;
        };
        let applied = raft.applied();
        let applied = applied.borrow();
        applied
            .catalog
            .cluster
            .as_ref()
            .is_some_and(|cluster| cluster.with_secret)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Writes the identity durably; only then may anything of it be shown or acted on.
    pub(super) async fn store(&self, record: &Record) -> Result<(), ClusterError> {
        let (dir, bytes) = (self.dir.clone(), record.encode());
        let stored = self
            .env
            .tasks
            .blocking(move || dir.store(super::identity::record::FILE, &bytes))
            .await;
        stored.map_err(|source| ClusterError::Io {
            operation: "writing the file `identity`",
            source,
        })
    }

    /// Log and snapshots of this life go to `old/`.
    pub(super) async fn archive_log(&self, life: Incarnation) -> Result<(), ClusterError> {
        let (dir, life) = (self.dir.clone(), life.to_string());
        let done = self
            .env
            .tasks
            .blocking(move || dir.archive_log(&life))
            .await;
        done.map_err(|source| ClusterError::Io {
            operation: "setting the old log aside",
            source,
        })
    }

    pub(super) fn fail(&self, error: ClusterError) {
        // One failure ends the process; a second has nothing to add.
        drop(self.ends.failures.try_send(error));
    }
}
