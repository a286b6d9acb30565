//! Commands of the state machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{
    Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, ShardGroupId, ShardId,
    Text, UnixNanos,
};
use crate::catalog::{
    ContinuousQuery, Database, Databases, Members, RemovedWhy, RetentionPolicy, Scopes, ShardGroup,
    Subscription, User, Users,
};

/// Command with the values that it depends on besides the catalog, stamped by the proposer.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// Wall time of the proposer. The machine uses `max(at, catalog.last_at)`, except in
    /// `RepairTime`.
    pub at: UnixNanos,
    /// The proposer's setting `retention-autocreate`.
    pub retention_autocreate: bool,
    pub command: Command,
}

/// A command: one of the wire (wire.md 3.3), or an internal command.
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
        /// Time of a point that the group must take.
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
    /// Allows entries of this level from here on: every member reads them.
    RaiseFeatureLevel {
        level: u32,
    },
    /// Requires proofs of `internal-shared-secret` from here on: every member has shown one. Never
    /// taken back.
    RequireSecret,
    /// Sets the catalog's time back to the stamp of this command, after a command was stamped by a
    /// clock far ahead.
    RepairTime,
    /// The data node with this address, present or still to join, is passive (is given no shards),
    /// or is active again.
    SetPassive {
        tcp: Text,
        passive: bool,
    },
    /// Removes a data node; without `force` only if each of its shards has another owner.
    RemoveDataNode {
        id: NodeId,
        force: bool,
    },
    /// Removes one copy of a shard from the catalog; without `force` not the last one.
    RemoveShardCopy {
        copy: ShardCopy,
        force: bool,
    },
    /// Sets the holder of a lease. The leader of `term` decided it and knew that no other node held
    /// the lease. Applied in the log of a later leader the command is refused, because the lease
    /// may be held again.
    SetLeaseHolder {
        lease: Name,
        holder: NodeId,
        term: u64,
    },
    /// Begins a restore in parts; drops one that began before.
    BeginRestore(BeginRestore),
    AddRestorePart(AddRestorePart),
    /// Replaces databases and users by all parts.
    CommitRestore(RestoreRef),
    /// Drops a restore that will not be committed.
    AbandonRestore {
        id: u64,
    },
    /// Gives each shard without owners an owner, which has no data of it: no data node was found
    /// that has any.
    AssignOwners,
    AddUser(AddUser),
    ChangePermissions(ChangePermissions),
    CreateRole(CreateRole),
    DropRole {
        name: Name,
    },
    ChangeMembers(ChangeMembers),
}

/// A retention policy as asked for. Nothing in it has been checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRetentionPolicy {
    pub name: Name,
    pub duration: DurationNanos,
    /// 0: chosen by `duration`.
    pub shard_group_duration: DurationNanos,
    pub replica_n: u32,
}

/// Changes of a retention policy. A field that is `None` is not changed.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRetentionPolicy {
    pub database: Name,
    /// Empty: the database's default.
    pub name: Name,
    pub new_name: Option<Name>,
    pub duration: Option<DurationNanos>,
    pub replica_n: Option<u32>,
    pub shard_group_duration: Option<DurationNanos>,
    pub default: bool,
}

/// A copy of a shard: the shard, and the data node that has it.
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

/// Creates a user with permissions, which `CreateUser` cannot express.
#[derive(Clone, Debug, PartialEq)]
pub struct AddUser {
    pub name: Name,
    pub hash: Text,
    pub permissions: Scopes,
}

/// Adds permissions to a user or role, or takes them away.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangePermissions {
    pub holder: Holder,
    pub change: Change,
    pub permissions: Scopes,
}

/// Whoever has permissions, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    User(Name),
    Role(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Add,
    Remove,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateRole {
    pub name: Name,
    pub permissions: Scopes,
    pub users: Members,
}

/// Adds users to a role, or takes them out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeMembers {
    pub role: Name,
    pub change: Change,
    pub users: Members,
}

/// A restore: a data node's view of the catalog with the databases that it brings back. Nodes, ids
/// already given out, and all other data of this program are not changed (founding.md 7.9,
/// wire.md Q34).
#[derive(Clone, Debug, PartialEq)]
pub struct SetData {
    /// Index of the catalog that the restore was made from: later changes would be lost.
    pub index: u64,
    pub databases: Databases,
    pub users: Users,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
}

/// The values of [`SetData`] besides databases and users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginRestore {
    /// Random; names the restore in its other commands.
    pub id: u64,
    pub index: u64,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
}

/// A restore in parts, as its next command finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreRef {
    pub id: u64,
    /// Number of parts that were added before.
    pub parts: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AddRestorePart {
    pub of: RestoreRef,
    pub items: Vec<RestoreItem>,
}

/// Content of a restore, in its order. A database or policy that is too large for one part comes
/// without its content, which follows.
#[derive(Clone, Debug, PartialEq)]
pub enum RestoreItem {
    Database(Database),
    User(User),
    /// A policy of the last database.
    Policy(RetentionPolicy),
    /// A query of the last database.
    Query(ContinuousQuery),
    /// A shard group of the last policy of the last database.
    Group(ShardGroup),
    /// A subscription of the last policy of the last database.
    Subscription(Subscription),
}

impl RestoreItem {
    /// Bytes that the item adds to the size of the catalog.
    pub fn size(&self) -> u64 {
        match self {
            Self::Database(database) => database.size(),
            Self::User(user) => user.size(),
            Self::Policy(policy) => policy.size(),
            Self::Query(query) => query.size(),
            Self::Group(group) => group.size(),
            Self::Subscription(subscription) => subscription.size(),
        }
    }
}

/// First command of every cluster (founding.md 5.5). A no-op once the catalog has a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub cluster_id: ClusterId,
    pub name: String,
    /// Founders in list order: founder k becomes meta node k and has Raft id k, from 1.
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

/// Gives a newcomer a Raft id of its own and makes it pending (founding.md J3). Idempotent by
/// incarnation: a newcomer that asks again keeps its Raft id and takes the newer addresses. It may
/// come to want a vote, and never gives that up.
#[derive(Clone, Debug, PartialEq)]
pub struct AllocateRaftId {
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
    pub voter: bool,
}

/// Ends the pending with this Raft id: it becomes a meta node. If it replaces a member, it takes
/// that member's place, and the same command tombstones that member (founding.md J6). Raft's
/// membership has the newcomer already.
#[derive(Clone, Debug, PartialEq)]
pub struct AddMetaNode {
    pub raft_id: RaftId,
    pub replaces: Option<RaftId>,
}

/// Gives a meta node other addresses. A meta node that holds one of them gets the mover's in
/// exchange, so that swapped names heal.
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
    /// Reason and origin of the tombstone. `None`: no tombstone. Then it was never a voter, no
    /// operator named it, and it may ask to join again.
    pub tombstone: Option<Removal>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    pub why: RemovedWhy,
    /// See [`crate::catalog::Tombstone::by`].
    pub by: String,
}

/// Labels of a node, by its node id. Keys in `delete` are deleted first, then those in `set` are
/// set. Other labels stay.
#[derive(Clone, Debug, PartialEq)]
pub struct SetLabels {
    pub node_id: NodeId,
    pub set: BTreeMap<String, String>,
    pub delete: BTreeSet<String>,
}
