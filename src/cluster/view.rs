//! The state of this node's membership, for operators and for the layers above.

use crate::auth::PeerPolicy;
use crate::base::{Address, ClusterId, Incarnation, RaftId};
use crate::cluster::activity::{Activity, Missing};
use crate::cluster::founding::OtherMembers;
use crate::cluster::warning::Warning;
use crate::wire::identity::Phase;

/// The error where no Raft node is open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotMember {
    pub phase: Phase,
    /// [`View::reason`].
    pub reason: String,
}

/// This node's membership as `/healthz`, `show -v` and the log report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub doing: Activity,
    pub phase: Phase,
    /// One sentence for operators: what this node waits for or is blocked by, and what to do. Never
    /// parsed.
    pub reason: String,
    /// Raft is open, has a leader, and this node may talk to it.
    pub has_leader: bool,
    pub missing: Vec<Missing>,
    pub incarnation: Incarnation,
    /// Advertised HTTP address. `None` until it is known which entry of `peers` is this node,
    /// if any.
    pub http: Option<Address>,
    /// Advertised Raft address.
    pub raft: Option<Address>,
    pub cluster_id: Option<ClusterId>,
    /// The name fixed by founding; before that the configured one.
    pub cluster_name: String,
    pub raft_id: Option<RaftId>,
    pub warnings: Vec<Warning>,
    pub other_members: OtherMembers,
    /// Proof that this node requires of other meta nodes.
    pub peer_policy: PeerPolicy,
}
