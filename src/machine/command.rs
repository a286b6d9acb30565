//! What may be asked of the machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{
    Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, ShardGroupId, ShardId,
    Text, UnixNanos,
};
use crate::catalog::{ContinuousQuery, Databases, RemovedWhy, Subscription, Users};

/// A command and what it may depend on besides the catalog, as the proposer stamped it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// The proposer's wall time. The machine uses `max(at, catalog.last_at)`.
    pub at: UnixNanos,
    /// The proposer's `retention-autocreate`.
    pub retention_autocreate: bool,
    pub command: Command,
}

/// A command: one of the wire's, or one of this program alone.
///
/// Every `match` over a command names each variant, without a wildcard arm: a new variant does not
/// compile until each place handles it. A command that a place forgot would be logged without
/// content and halt every node.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Wire(WireCommand),
    Internal(InternalCommand),
}

impl From<WireCommand> for Command {
    fn from(command: WireCommand) -> Self {
        Self::Wire(command)
    }
}

impl From<InternalCommand> for Command {
    fn from(command: InternalCommand) -> Self {
        Self::Internal(command)
    }
}

/// A command that data nodes can send (wire.md 3.3). It raises `Data.Index` even when it is
/// refused.
#[derive(Clone, Debug, PartialEq)]
pub enum WireCommand {
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
    CreateShardGroup {
        database: Name,
        policy: Name,
        /// A time that the group must take.
        at: UnixNanos,
    },
    DeleteShardGroup {
        database: Name,
        policy: Name,
        id: ShardGroupId,
    },
    TruncateShardGroups {
        at: UnixNanos,
    },
    PruneShardGroups,
    DropShard {
        id: ShardId,
    },
    CopyShardOwner(ShardCopy),
    RemoveShardOwner(ShardCopy),
    CreateContinuousQuery {
        database: Name,
        query: ContinuousQuery,
    },
    DropContinuousQuery {
        database: Name,
        name: Name,
    },
    CreateSubscription {
        database: Name,
        policy: Name,
        subscription: Subscription,
    },
    DropSubscription {
        database: Name,
        policy: Name,
        name: Name,
    },
    CreateUser(CreateUser),
    DropUser {
        name: Name,
    },
    UpdateUser {
        name: Name,
        hash: Text,
    },
    SetPrivilege {
        user: Name,
        database: Name,
        /// See [`crate::catalog::User::privileges`].
        privilege: i32,
    },
    SetAdminPrivilege {
        user: Name,
        admin: bool,
    },
    CreateDataNode {
        http: Text,
        tcp: Text,
    },
    UpdateDataNode {
        id: NodeId,
        http: Text,
        tcp: Text,
    },
    DeleteDataNode {
        id: NodeId,
    },
    SetData(Box<SetData>),
}

/// A command that only meta nodes propose; data nodes cannot send it. It raises `Data.Index` only
/// when it changes what data nodes see.
#[derive(Clone, Debug, PartialEq)]
pub enum InternalCommand {
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
    /// The data node with this address, there or to come, is to own nothing, or may own shards
    /// again.
    SetPassive {
        tcp: Text,
        passive: bool,
    },
    /// Takes a data node out; without `force` only if each of its shards has another owner.
    RemoveDataNode {
        id: NodeId,
        force: bool,
    },
    /// Takes one copy of a shard out of the catalog; without `force` not the last one.
    RemoveShardCopy {
        copy: ShardCopy,
        force: bool,
    },
    /// Decided by the leader of this term, who knew that nobody else held the lease. In the log of
    /// a later one it may be held again.
    SetLeaseHolder {
        lease: Name,
        holder: NodeId,
        term: u64,
    },
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

/// One copy of a shard: the shard, and the data node that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardCopy {
    pub shard: ShardId,
    pub node: NodeId,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateUser {
    pub name: Name,
    pub hash: Text,
    pub admin: bool,
}

/// A restore: a data node's view of the catalog with the databases that it brings back. Nodes, ids
/// already given out and everything of ours stay as they are here (founding.md 7, Q34).
#[derive(Clone, Debug, PartialEq)]
pub struct SetData {
    /// Of the catalog that it was made from: changes after it would be lost.
    pub index: u64,
    pub databases: Databases,
    pub users: Users,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
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

/// A newcomer gets a Raft id of its own and becomes pending (founding.md 6, J3). Idempotent by
/// incarnation: asked again it keeps its Raft id, takes the newer addresses, and may come to want a
/// vote, not to give it up.
#[derive(Clone, Debug, PartialEq)]
pub struct AllocateRaftId {
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
    pub voter: bool,
}

/// Ends the pending with this Raft id: it becomes a meta node, in the place of the one that it
/// replaces, which is tombstoned in the same command (J6). Raft's membership has it already.
#[derive(Clone, Debug, PartialEq)]
pub struct AddMetaNode {
    pub raft_id: RaftId,
    pub replaces: Option<RaftId>,
}

/// A meta node has other addresses. One that holds them gets the mover's in exchange, so that
/// swapped names heal.
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

/// Labels of a node, by its node id: first those named are deleted, then the given ones set; others
/// stay.
#[derive(Clone, Debug, PartialEq)]
pub struct SetLabels {
    pub node_id: NodeId,
    pub set: BTreeMap<String, String>,
    pub delete: BTreeSet<String>,
}
