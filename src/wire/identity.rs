//! The one message of founding: JSON of `POST /cluster/identity` (founding.md 3).

use serde::{Deserialize, Serialize};

use crate::base::{Address, ClusterId, Incarnation, ListHash, RaftId, StartId};

/// Start counter, ids of the last 64 starts (oldest first) and the durable WAL seq (founding.md 7, restored volume).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    pub counter: u64,
    pub ids: Vec<StartId>,
    pub durable_seq: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Fresh,
    Accepted,
    Started,
    Joining,
    Member,
    Removed,
}

/// One founder in a vector, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorEntry {
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
}

/// What a node says of itself, as caller and as callee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of this message and of founding itself.
    pub protocol: u32,
    pub version: String,
    pub feature_level: u32,
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
    pub phase: Phase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// accepted, started, and members that founded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<VectorEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<ClusterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_from: Option<ClusterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raft_id: Option<RaftId>,
    pub cluster_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_hash: Option<ListHash>,
    #[serde(default)]
    pub list: Vec<Address>,
    /// Of the expected number; part of what founders must agree on.
    #[serde(default)]
    pub expect: u64,
    /// HTTP addresses of the members, once in a cluster.
    #[serde(default)]
    pub members: Vec<Address>,
    pub leader_known: bool,
    /// Whether this node has a secret: the founders' `Found` says so.
    #[serde(default)]
    pub with_secret: bool,
    #[serde(default)]
    pub starts: Starts,
    /// Incarnations this node has heard lately, with milliseconds since (founding.md 7, Replace).
    #[serde(default)]
    pub heard: Vec<(Incarnation, u64)>,
}
