//! A picture of this node's membership, for people and for the layers above.

use serde::{Deserialize, Serialize};

use crate::base::{Address, ClusterId, Incarnation, RaftId};
use crate::wire::identity::Phase;

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
pub enum Activity {
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub doing: Activity,
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
