//! Identity and its phases, founding, joining, the membership task, gossip; the life of the Raft node.
//!
//! Owns: what this node is and belongs to, and when Raft opens. Never: Raft internals, HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::base::{Address, ClusterId, Incarnation, RaftId};
use crate::raft::{Raft, RaftConfig};
use crate::runtime::Env;
use crate::runtime::net::BoxFuture;
use crate::storage::DataDir;
use crate::wire::api::Announcement;
use crate::wire::identity::{Identity, Phase};

/// What the configuration says about this node's place in a cluster. Valid by construction (`config`).
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// `peers`, canonical, in the order given, duplicates removed. Empty: by hand.
    pub peers: Vec<Address>,
    /// `bootstrap-expect` as configured.
    pub bootstrap_expect: Option<u64>,
    /// `-single-server`.
    pub single_server: bool,
    pub cluster_name: String,
    /// Zero: for ever.
    pub join_timeout: Duration,
    /// `hostname`, when set.
    pub hostname: Option<String>,
    /// The system's host name.
    pub system_host_name: String,
    /// As configured: `:8091`, `0.0.0.0:8091`, `meta-1:8091`.
    pub http_bind: String,
    pub raft_bind: String,
    pub gossip_frequency: Duration,
    pub announcement_expiration: Duration,
    pub secret: Option<String>,
    pub raft: RaftConfig,
    /// `1.12.4-c1.12.4`-style.
    pub version: String,
}

/// How one poll of one address ended badly; `Display` is what the log and `show -v` say after `meta-2: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    #[error("name unknown")]
    NameUnknown,
    #[error("connection refused")]
    Refused,
    #[error("no answer in time")]
    Timeout,
    #[error("that is 8089, the Raft port; use 8091")]
    RaftPort,
    #[error("answers, but is not a meta node of ours ({0})")]
    NotOurs(String),
    #[error("an influxd-meta of another make answers there: it cannot be part of this cluster")]
    OtherMetaNode,
    #[error("wrong secret: internal-shared-secret differs")]
    WrongSecret,
    #[error("{0}")]
    Io(String),
}

/// The one exchange of founding: our identity there, theirs back, from exactly this socket address.
/// `client` implements it over HTTP; simulations in memory. It proves and checks secrets (founding.md 11).
pub trait Exchange: Send + Sync + 'static {
    fn identity(
        &self,
        at: SocketAddr,
        host: &Address,
        ours: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>>;
    /// `POST /announce` to a member.
    fn announce(&self, to: &Address, announcement: Announcement) -> BoxFuture<'_, Result<(), PollError>>;
}

/// Why there is no Raft node to ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotMember {
    pub phase: Phase,
    /// One sentence: what this node waits for or is blocked by, and what to do.
    pub reason: String,
}

/// What this node is doing about its membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// Fresh without `peers`: waits for `influxd-ctl add-meta`.
    ByHand,
    /// Founders are missing.
    Waiting,
    /// All agree; accepting and starting.
    Founding,
    /// Sees a cluster that it must join.
    Joining,
    /// Something only a person can cure.
    Blocked,
    /// Raft is open.
    Open,
    /// The log or the state cannot be used; HTTP stays up.
    Halted,
    /// Taken out of its cluster.
    Removed,
}

/// A founder that has not answered as needed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub address: Address,
    pub why: String,
}

/// A picture of this node for people: `/healthz`, `show -v`, the log.
#[derive(Clone, Debug)]
pub struct View {
    pub doing: Doing,
    pub phase: Phase,
    /// One sentence; see [`NotMember::reason`].
    pub reason: String,
    pub missing: Vec<Missing>,
    pub incarnation: Incarnation,
    /// What others dial; `None` until it is known (no entry of `peers` is mine yet).
    pub http: Option<Address>,
    pub raft: Option<Address>,
    pub cluster_id: Option<ClusterId>,
    /// The name fixed by founding, or the configured one before that.
    pub cluster_name: String,
    pub raft_id: Option<RaftId>,
    /// Standing warnings: fewer than three voters, another configured name, …
    pub warnings: Vec<String>,
}

/// This node's membership, running. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {}

/// What stops the start or the process; `app` maps it to an exit code.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// `identity` is damaged or of a newer version: 65.
    #[error("{0}")]
    BadIdentity(String),
    #[error("{deed}: {source}")]
    Io { deed: &'static str, source: std::io::Error },
    /// `join-timeout` passed: 75.
    #[error("no cluster after {0:?} (join-timeout): {1}")]
    JoinTimeout(Duration, String),
}

impl Cluster {
    /// Loads or makes the identity, listens on 8089, starts the driver. HTTP must be listening already
    /// (founding.md: listen before polling).
    pub async fn start(
        _env: Env,
        _dir: DataDir,
        _config: ClusterConfig,
        _exchange: Arc<dyn Exchange>,
        _raft_listen: SocketAddr,
    ) -> Result<Self, ClusterError> {
        todo!("the cluster helper")
    }

    /// The open Raft node, or why there is none.
    pub fn raft(&self) -> Result<Raft, NotMember> {
        todo!("the cluster helper")
    }

    pub fn view(&self) -> Arc<View> {
        todo!("the cluster helper")
    }

    /// Changes whenever `view` or `raft` would.
    pub fn changed(&self) -> watch::Receiver<Arc<View>> {
        todo!("the cluster helper")
    }

    /// What this node answers to `/cluster/identity`.
    pub fn identity(&self) -> Identity {
        todo!("the cluster helper")
    }

    /// Somebody posted their identity: a hint to poll them soon, nothing more (founding.md 3.3).
    pub fn hint(&self, _theirs: &Identity, _from: IpAddr) {
        todo!("the cluster helper")
    }

    /// A received announcement (wire.md 8), gossiped entries in its context included.
    pub fn announced(&self, _announcement: &Announcement) {
        todo!("the cluster helper")
    }

    /// What is known of other nodes: by their `tcpAddr`.
    pub fn announcements(&self) -> Vec<Announcement> {
        todo!("the cluster helper")
    }

    /// Resolves when the process must end by itself (join-timeout, a storage error).
    pub async fn failed(&self) -> ClusterError {
        todo!("the cluster helper")
    }

    /// SIGTERM: not ready, hand leadership over (≤ 500 ms), stop Raft, close the log.
    pub async fn stop(&self) {
        todo!("the cluster helper")
    }
}
