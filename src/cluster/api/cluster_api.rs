//! The part of `cluster` that `service` uses, as a trait. Tests replace it for states that are hard
//! to reach.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::PeerPolicy;
use crate::base::{Address, Incarnation, NodeId};
use crate::cluster::peers::addresses::KnownAddresses;
use crate::cluster::refusal::Refusal;
use crate::cluster::view::{NotMember, View};
use crate::raft::Raft;
use crate::runtime::net::BoxFuture;
use crate::wire::api::Announcement;
use crate::wire::identity::Identity;

/// A meta node of the catalog, as the answer to `/join`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRef {
    pub id: NodeId,
    pub http: Address,
    pub raft: Address,
    pub note: Option<JoinNote>,
}

/// Result of `/join` that an operator does not expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinNote {
    /// The node was a member before.
    Member,
    /// The node has no vote, because so many vote already.
    NoVote { voters: usize },
}

impl std::fmt::Display for JoinNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Member => f.write_str("it is a member already"),
            Self::NoVote { voters } => write!(
                f,
                "it has no vote: {voters} vote already; it gets one when one of them leaves"
            ),
        }
    }
}

/// This node's membership. [`Refusal::NotLeader`] means that the leader has to be asked.
pub trait ClusterApi: Send + Sync + 'static {
    /// Returns the open Raft node.
    ///
    /// # Errors
    /// There is none, and why.
    fn raft(&self) -> Result<Raft, NotMember>;

    fn view(&self) -> Arc<View>;

    /// Changes whenever `view` or `raft` would.
    fn changed(&self) -> watch::Receiver<Arc<View>>;

    /// Returns this node's answer to `/cluster/identity`.
    ///
    /// # Errors
    /// The node is starting and does not know its identity yet.
    fn identity(&self) -> Result<Identity, NotMember>;

    /// Takes the identity that another node posted: a hint to poll it soon, nothing more
    /// (founding.md 3.3).
    fn hint(&self, theirs: &Identity, from: IpAddr);

    /// Returns the addresses at which nodes of the cluster were found lately. Nothing follows from
    /// an address but the places for its connections.
    fn addresses(&self) -> Arc<KnownAddresses> {
        Arc::default()
    }

    /// Takes an announcement (wire.md 8), with those that it passes on.
    fn announced(&self, announcement: &Announcement);

    /// Returns the announcements of other nodes, in the order of their `tcpAddr`.
    fn announcements(&self) -> Vec<Announcement>;

    /// On the leader: why each pending node or learner is not a voter yet.
    fn waiting(&self) -> BTreeMap<Incarnation, String> {
        BTreeMap::new()
    }

    /// Answers a request of another meta node on a path of [`crate::wire::joining`] with a status
    /// and a JSON body. `from` is the caller's IP address: a caller that says what it is may be
    /// polled there soon (founding.md 3.3).
    ///
    /// # Errors
    /// `NotLeader` only. Every other refusal is an answer.
    fn answer<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        from: IpAddr,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<(u16, Bytes), Refusal>>;

    /// Returns the proof that this node requires of other meta nodes now (founding.md 11).
    fn peer_policy(&self) -> PeerPolicy;

    /// Whether proofs without this node's challenge are accepted (founding.md 11.1): only while
    /// members of a version that makes no others may be left.
    fn accepts_recorded_proofs(&self) -> bool;

    /// Adds the node at this address to the cluster, or forms a cluster with it: `/join`
    /// (founding.md 8).
    ///
    /// # Errors
    /// The node was not added. Asking again is harmless.
    fn join<'a>(
        &'a self,
        addr: &'a Address,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<NodeRef, Refusal>>;

    /// Removes this node from its cluster, and returns once it is out: `/leave`. `by` names who
    /// ordered it and how, for the tombstone.
    ///
    /// # Errors
    /// The node is still in, or not known to be out.
    fn leave<'a>(&'a self, by: &'a str, deadline: Instant) -> BoxFuture<'a, Result<(), Refusal>>;

    /// Removes the meta node with this HTTP address from the cluster: `/remove`. `by` as for
    /// `leave`.
    ///
    /// # Errors
    /// The node is still in, or not known to be out.
    fn remove<'a>(
        &'a self,
        http: &'a Address,
        force: bool,
        by: &'a str,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<(), Refusal>>;
}
