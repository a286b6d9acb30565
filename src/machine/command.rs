//! What may be asked of the machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, UnixNanos};
use crate::catalog::RemovedWhy;

/// A command and what it may depend on besides the catalog, as the proposer stamped it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// The proposer's wall time. The machine uses `max(at, catalog.last_at)`.
    pub at: UnixNanos,
    /// The proposer's `retention-autocreate`.
    pub retention_autocreate: bool,
    pub command: Command,
}

/// What may be asked. The first block is the wire's (wire.md 3.3), the second ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    CreateDatabase {
        name: Name,
        retention_policy: Option<NewRetentionPolicy>,
    },
    DropDatabase {
        name: Name,
    },
    CreateRetentionPolicy {
        database: Name,
        policy: NewRetentionPolicy,
        default: bool,
    },
    DropRetentionPolicy {
        database: Name,
        name: Name,
    },
    SetDefaultRetentionPolicy {
        database: Name,
        name: Name,
    },
    UpdateRetentionPolicy(UpdateRetentionPolicy),

    Found(Found),
    AllocateRaftId(AllocateRaftId),
    AddMetaNode(AddMetaNode),
    MoveMetaNode(MoveMetaNode),
    RemoveMetaNode(RemoveMetaNode),
    SetLabels(SetLabels),
    /// From here on entries of this level may be proposed: every member reads them.
    RaiseFeatureLevel {
        level: u32,
    },
}

impl Command {
    /// Of the wire's own set, which moves `Data.Index` whatever comes of it.
    pub fn is_of_the_wire(&self) -> bool {
        match self {
            Self::CreateDatabase { .. }
            | Self::DropDatabase { .. }
            | Self::CreateRetentionPolicy { .. }
            | Self::DropRetentionPolicy { .. }
            | Self::SetDefaultRetentionPolicy { .. }
            | Self::UpdateRetentionPolicy(_) => true,
            Self::Found(_)
            | Self::AllocateRaftId(_)
            | Self::AddMetaNode(_)
            | Self::MoveMetaNode(_)
            | Self::RemoveMetaNode(_)
            | Self::SetLabels(_)
            | Self::RaiseFeatureLevel { .. } => false,
        }
    }
}

/// A retention policy as asked for: nothing in it has been checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRetentionPolicy {
    pub name: Name,
    pub duration: DurationNanos,
    /// 0 = choose by `duration`.
    pub shard_group_duration: DurationNanos,
    pub replica_n: u32,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRetentionPolicy {
    pub database: Name,
    /// Empty = the database's default.
    pub name: Name,
    pub new_name: Option<Name>,
    pub duration: Option<DurationNanos>,
    pub replica_n: Option<u32>,
    pub shard_group_duration: Option<DurationNanos>,
    pub default: bool,
}

/// The first command of every cluster (founding.md 5.5). A no-op once the catalog has a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub cluster_id: ClusterId,
    pub name: String,
    /// In list order: founder k becomes meta node k and has Raft id k, from 1.
    pub founders: Vec<Founder>,
    pub with_secret: bool,
    pub feature_level: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Founder {
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
}

/// A newcomer gets a Raft id of its own and becomes pending (founding.md 6, J3). Idempotent by incarnation: asked
/// again it keeps its Raft id, takes the newer addresses, and may come to want a vote, not to give it up.
#[derive(Clone, Debug, PartialEq)]
pub struct AllocateRaftId {
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
    pub voter: bool,
}

/// Ends the pending with this Raft id: it becomes a meta node, in the place of the one that it replaces, which is
/// tombstoned in the same command (J6). Raft's membership has it already.
#[derive(Clone, Debug, PartialEq)]
pub struct AddMetaNode {
    pub raft_id: RaftId,
    pub replaces: Option<RaftId>,
}

/// A meta node has other addresses. One that holds them gets the mover's in exchange, so that swapped names heal.
#[derive(Clone, Debug, PartialEq)]
pub struct MoveMetaNode {
    pub raft_id: RaftId,
    pub http: Address,
    pub raft: Address,
}

/// Ends a meta node or a pending. Raft's membership does not have it any more.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoveMetaNode {
    pub raft_id: RaftId,
    /// `None`: no tombstone. It was never a voter and nobody named it, and may ask to join again.
    pub tombstone: Option<Removal>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    pub why: RemovedWhy,
    /// See [`crate::catalog::Tombstone::by`].
    pub by: String,
}

/// Labels of a node, by its node id: first those named are deleted, then the given ones set; others stay.
#[derive(Clone, Debug, PartialEq)]
pub struct SetLabels {
    pub node_id: NodeId,
    pub set: BTreeMap<String, String>,
    pub delete: BTreeSet<String>,
}
