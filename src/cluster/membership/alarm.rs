//! Conditions that no step of the membership task can end: an operator must act.

use std::fmt;

use crate::base::{Address, RaftId};
use crate::catalog::{MetaNode, Pending};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A voter that is neither a meta node nor pending. Only an error in this program makes one:
    /// Replace and Remove take a voter out of the membership before they take its meta node out of
    /// the catalog.
    UnknownVoter(RaftId),
    /// The addresses of a new node belong to two members.
    TwoHolders(TwoHolders),
    /// A pending node votes, and its address belongs to another member by now.
    AddressTaken {
        pending: RaftId,
        http: Address,
        holder: RaftId,
    },
    /// These nodes have not shown the secret, so it is not required yet.
    MissingProofs { names: Vec<String> },
}

/// Two members that hold the addresses of one new node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoHolders {
    http: Address,
    raft: Address,
    one: Address,
    other: Address,
}

impl TwoHolders {
    pub(super) fn new(pending: &Pending, one: &MetaNode, other: &MetaNode) -> Self {
        Self {
            http: pending.http.clone(),
            raft: pending.raft.clone(),
            one: one.http.clone(),
            other: other.http.clone(),
        }
    }
}

impl fmt::Display for TwoHolders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            http,
            raft,
            one,
            other,
        } = self;
        write!(
            f,
            "{http} and {raft} of the newcomer belong to two members, {one} and {other}: give each \
             node its own name and ports"
        )
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVoter(raft_id) => write!(
                f,
                "Raft id {raft_id} votes and is neither a meta node nor about to become one: \
                 please report this"
            ),
            Self::TwoHolders(holders) => holders.fmt(f),
            Self::AddressTaken {
                pending,
                http,
                holder,
            } => write!(
                f,
                "Raft id {pending} votes, but {http} belongs to another member by now (Raft id \
                 {holder}): start it under a name of its own, or remove it"
            ),
            Self::MissingProofs { names } => write!(
                f,
                "internal-shared-secret is not required yet, {} did not show it: set it there and \
                 restart, or remove what is gone",
                names.join(", ")
            ),
        }
    }
}
