//! The public face of `raft` (split into files by the raft helper; these names stay).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::base::{Address, ClusterId, Incarnation, LogId, RaftId};
use crate::catalog::Catalog;
use crate::machine::Outcome;
use crate::runtime::Env;
use crate::storage::{Log, Snapshots};
use crate::wire::envelope::Body;

/// Who a member of the Raft group is: what every handshake proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    pub cluster_id: ClusterId,
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
}

#[derive(Clone, Debug)]
pub struct RaftConfig {
    /// B = max(`heartbeat-timeout`, `election-timeout`): heartbeat 0.1 B, election 0.3 … 0.5 B.
    pub base: Duration,
    /// Stamped into each proposal.
    pub retention_autocreate: bool,
    pub snapshot_every_entries: u64,
    pub snapshot_every_bytes: u64,
}

/// What a dialler says of itself in the 8089 handshake, besides the receiver that it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub sender: Replica,
    pub sender_http: Address,
    pub receiver: Replica,
    /// Start counter, ids of the last 64 starts (oldest first) and the durable WAL seq of the sender (founding.md 7).
    pub starts: crate::wire::identity::Starts,
}

/// Why a handshake is refused; sent to the dialler in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("not me: this is another cluster, Raft id or incarnation")]
    NotMe,
    #[error("Raft is not open here yet")]
    NotOpen,
    #[error("your incarnation was removed from this cluster")]
    Tombstoned,
    #[error("wrong secret")]
    WrongSecret,
    #[error("this cluster was founded with a secret and you proved none")]
    MissingSecret,
    #[error("{0}")]
    Other(String),
}

/// Who may talk Raft, what we say of ourselves, and where members are. Implemented by `cluster`.
pub trait Admission: Send + Sync + 'static {
    /// Called for each incoming handshake, before any Raft byte. Hints (a handshake meant for another
    /// incarnation at this address) are taken here too. `from` is the dialler's source address.
    fn admit(&self, hello: &Hello, from: IpAddr) -> Result<(), Refusal>;
    /// Called on the dialler's side with what the callee proved to be, for its start counters.
    fn check_callee(&self, callee: &Replica, starts: &crate::wire::identity::Starts) -> Result<(), Refusal>;
    /// What this node is and says in handshakes; `None` while it is no member of anything.
    fn me(&self) -> Option<(Replica, Address, crate::wire::identity::Starts)>;
    /// Raft addresses where this member may be, best first. Resolved anew at every dial.
    fn addresses(&self, raft_id: RaftId) -> Vec<Address>;
    /// A dial of this member was refused because it is tombstoned there, or succeeded, …: bookkeeping.
    fn heard(&self, incarnation: Incarnation);
    /// The key of founding.md 11, when a secret is set.
    fn peer_key(&self) -> Option<[u8; 32]>;
    /// Whether handshakes without proof are refused (the cluster was founded with a secret).
    fn needs_proof(&self) -> bool;
}

/// The 8089 listener and dialler. Listens from the start; refuses until a Raft node is attached.
#[derive(Clone)]
pub struct Transport {}

impl Transport {
    pub async fn listen(
        _env: &Env,
        _bind: SocketAddr,
        _admission: Arc<dyn Admission>,
    ) -> std::io::Result<Self> {
        todo!("the raft helper")
    }
    pub fn local(&self) -> SocketAddr {
        todo!("the raft helper")
    }
}

/// What the last applied entry left.
#[derive(Clone, Debug)]
pub struct Applied {
    pub last: Option<LogId>,
    pub catalog: Catalog,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    Follower,
    Candidate,
    Learner,
}

/// A picture of the Raft node, for `/status`, `show`, health and metrics.
#[derive(Clone, Debug)]
pub struct RaftStatus {
    pub term: u64,
    pub role: Role,
    pub leader: Option<RaftId>,
    pub last_log: Option<LogId>,
    pub committed: Option<LogId>,
    pub applied: Option<LogId>,
    pub snapshot: Option<LogId>,
    /// Of the latest *committed* membership.
    pub voters: Vec<RaftId>,
    pub learners: Vec<RaftId>,
    /// Raft ids of a joint membership in progress, if any.
    pub joint: bool,
    /// Leader only: how long ago a quorum last acknowledged.
    pub quorum_ack: Option<Duration>,
    /// Leader only: the highest log index known on each member, and how long ago it answered.
    pub progress: Vec<(RaftId, Option<u64>, Option<Duration>)>,
    /// Set once the node cannot go on: an unreadable entry, a storage error.
    pub halted: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0}")]
    Failed(String),
}

/// Why a proposal has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Not proposed: this node does not lead.
    #[error("not the leader")]
    NotLeader { leader: Option<RaftId> },
    /// Not proposed, or certainly lost: there was no leader before the deadline.
    #[error("no leader")]
    NoLeader,
    /// May or may not have happened; nobody can say.
    #[error("the outcome is unknown: leadership or time was lost while the command was being committed")]
    Unknown,
    #[error("the disk is full: new commands are refused until there is room")]
    DiskFull,
    #[error("this node has halted: {0}")]
    Halted(String),
    #[error("this node is stopping")]
    Stopping,
    #[error("the command has {bytes} bytes, at most {max} are taken")]
    TooLarge { bytes: usize, max: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// This node did not lead, or another one does now.
    Done,
    /// Nobody took it in time.
    TimedOut,
}

/// An open Raft node. Cheap to clone.
#[derive(Clone)]
pub struct Raft {}

impl Raft {
    /// Opens over a recovered log. Does not initialise and is not reachable before `admit`.
    pub async fn open(
        _env: &Env,
        _config: RaftConfig,
        _me: Replica,
        _log: Log,
        _snapshots: Snapshots,
        _snapshot: Option<(crate::storage::SnapshotHeader, bytes::Bytes)>,
        _transport: &Transport,
    ) -> Result<Self, OpenError> {
        todo!("the raft helper")
    }

    /// The first membership. Only on an empty log without a vote; identical on every founder.
    pub async fn initialize(&self, _members: &[(RaftId, Incarnation)]) -> Result<(), OpenError> {
        todo!("the raft helper")
    }

    /// Lets Raft messages in on 8089 (founding.md 5.3: only after `initialize`).
    pub fn admit(&self) {
        todo!("the raft helper")
    }

    /// Stamps, orders, replicates, applies. The one place that does.
    pub async fn propose(&self, _body: Body, _deadline: Instant) -> Result<Outcome, ProposeError> {
        todo!("the raft helper")
    }

    /// Changes with every applied batch and every installed snapshot.
    pub fn applied(&self) -> watch::Receiver<Arc<Applied>> {
        todo!("the raft helper")
    }

    pub fn status(&self) -> RaftStatus {
        todo!("the raft helper")
    }

    /// Wakes when the leader, the role, the membership or `halted` changes.
    pub fn changed(&self) -> watch::Receiver<u64> {
        todo!("the raft helper")
    }

    /// Gives leadership to the most caught-up voter; for SIGTERM.
    pub async fn hand_over(&self, _within: Duration) -> HandOver {
        todo!("the raft helper")
    }

    /// Stops Raft, then closes the log.
    pub async fn shutdown(&self) {
        todo!("the raft helper")
    }
}
