//! Nodes that are joining.

use crate::base::{Address, Incarnation, RaftId};

/// A node that was given a Raft id and is not a member yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
    /// Whether it asked to vote.
    pub voter: bool,
}
