//! JSON bodies between meta nodes for joining, moving, leaving, and forming a cluster manually
//! (founding.md 6 to 8).
//!
//! Each has its sender's incarnation, which the proofs cover (founding.md 11).

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use crate::base::{Address, ClusterId, Incarnation, RaftId, UnixNanos};
use crate::catalog::RemovedWhy;

/// Paths of the requests, all `POST`.
pub const JOIN: &str = "/cluster/join";
pub const MOVED: &str = "/cluster/moved";
pub const REMOVED: &str = "/cluster/removed";
pub const PROMISE: &str = "/cluster/promise";
pub const INVITE: &str = "/cluster/invite";
/// The caller asks to be removed ([`LeaveRequest`]).
pub const LEAVE: &str = "/cluster/leave";
/// The caller asks the callee to form a cluster with it ([`CallerIdentity`]), as `/join
/// addr=<caller>` does at the callee.
pub const FORM: &str = "/cluster/form";

/// Role that a node asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinRole {
    Voter,
    Learner,
}

/// Request to join (founding.md J1). It is idempotent, and repeated until the node is a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    pub from: Incarnation,
    pub identity: Identity,
    #[serde(rename = "as")]
    pub role: JoinRole,
}

/// Answer to [`JoinRequest`] with status 200 (founding.md J4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinAnswer {
    pub from: Incarnation,
    pub cluster_id: ClusterId,
    pub cluster_name: String,
    pub raft_id: RaftId,
    /// HTTP addresses.
    pub members: Vec<Address>,
    /// Whether the caller is a member already.
    pub member: bool,
    /// Sentence for operators: what the leader does next for the caller, or waits for.
    pub state: String,
}

/// Body of `/cluster/moved`, `/cluster/promise` and `/cluster/form`: the present identity of the
/// caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerIdentity {
    pub from: Incarnation,
    pub identity: Identity,
}

/// Body of `/cluster/leave`: [`CallerIdentity`], and who ordered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveRequest {
    pub from: Incarnation,
    pub identity: Identity,
    /// Who ordered it and how, for the tombstone. Older versions do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Body of `/cluster/removed`: a hint that `incarnation` was removed. The receiver does not trust
/// it, but asks the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedHint {
    pub from: Incarnation,
    pub cluster_id: ClusterId,
    pub incarnation: Incarnation,
}

/// Body of `/cluster/invite`: the receiver shall ask one of these members to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    pub from: Incarnation,
    /// Receiver. Another node, or a later incarnation of the same one, ignores the invitation.
    pub to: Incarnation,
    pub cluster_id: ClusterId,
    pub cluster_name: String,
    pub members: Vec<Address>,
}

/// Answer with status 200 that has no other content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub from: Incarnation,
}

/// Answer with a status from 400 on. With 410, `removed` has the end of the caller's incarnation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedBody {
    pub error: String,
    pub from: Incarnation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
}

/// End of an incarnation, from the catalog of its cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    pub cluster_id: ClusterId,
    pub cluster_name: String,
    pub why: RemovalReason,
    pub by: String,
    pub at: UnixNanos,
}

/// Reason why a node was removed. Only `Removed` is the decision of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemovalReason {
    Removed,
    Replaced,
    Unseen,
    Restored,
}

impl From<RemovedWhy> for RemovalReason {
    fn from(why: RemovedWhy) -> Self {
        match why {
            RemovedWhy::Removed => Self::Removed,
            RemovedWhy::Replaced => Self::Replaced,
            RemovedWhy::Unseen => Self::Unseen,
            RemovedWhy::Restored => Self::Restored,
        }
    }
}
