//! JSON bodies between meta nodes about joining, moving, leaving and forming by hand (founding.md 6
//! to 8).
//!
//! Each names its sender's incarnation, which the proofs cover (founding.md 11).

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
/// The caller asks to be taken out ([`Caller`]).
pub const LEAVE: &str = "/cluster/leave";
/// The caller asks to form a cluster with it ([`Caller`]): `/join addr=<caller>`, carried by the
/// caller itself.
pub const FORM: &str = "/cluster/form";

/// What a node asks to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinRole {
    Voter,
    Learner,
}

/// J1. Asked again and again until the node is a member; harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    pub from: Incarnation,
    pub identity: Identity,
    #[serde(rename = "as")]
    pub role: JoinRole,
}

/// J4, with 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinAnswer {
    pub from: Incarnation,
    pub cluster_id: ClusterId,
    pub cluster_name: String,
    pub raft_id: RaftId,
    /// HTTP addresses.
    pub members: Vec<Address>,
    /// It is one already.
    pub member: bool,
    /// One sentence: what the membership task does about it or waits for.
    pub state: String,
}

/// `/cluster/moved`, `/cluster/leave`, `/cluster/promise`, `/cluster/form`: the caller as it is
/// now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub from: Incarnation,
    pub identity: Identity,
}

/// `/cluster/removed`: a hint that this incarnation has been taken out; its receiver asks for
/// itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedHint {
    pub from: Incarnation,
    pub cluster_id: ClusterId,
    pub incarnation: Incarnation,
}

/// `/cluster/invite`: ask one of these members to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    pub from: Incarnation,
    /// Whom it is for: no other node, and no later life of this one, follows it.
    pub to: Incarnation,
    pub cluster_id: ClusterId,
    pub cluster_name: String,
    pub members: Vec<Address>,
}

/// 200 where there is nothing else to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub from: Incarnation,
}

/// Every answer from 400 on. With 410, `removed` says what became of the caller's incarnation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub error: String,
    pub from: Incarnation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
}

/// The end of an incarnation, as the catalog of its cluster has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    pub cluster_id: ClusterId,
    pub cluster_name: String,
    pub why: RemovalReason,
    pub by: String,
    pub at: UnixNanos,
}

/// Why a node was taken out; only `Removed` is somebody's decision.
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
