//! The replicated data as plain values: what the wire calls `Data`, and our own data beside it.
//!
//! Owns: the structure of the catalog, and [`Catalog::check`] with every invariant in one list.
//! Never: IO, a clock, wire types, deciding whether a change is allowed (`machine` does that).
//! Invariants: `check.rs`. Changed by `machine` alone; read by every layer above.
//!
//! All containers are persistent (imbl) or `Arc`s: a clone is cheap and a snapshot is a clone.

mod check;
mod cluster;
mod data_node;
mod database;
mod labels;
mod lease;
mod meta_node;
mod ordered;
mod pending;
mod permission;
mod restoring;
mod retention_policy;
mod role;
mod shard_group;
mod shard_groups;
mod shards;
mod size;
mod tombstone;
mod user;

pub use check::{INVARIANTS, Invariant, Violation};
pub use cluster::{Cluster, DATA_LEVEL, OWNERS_LEVEL};
pub use data_node::DataNode;
pub use database::{ContinuousQuery, Database};
pub use labels::{
    MAX_LABEL_KEY_LEN, MAX_LABEL_VALUE_LEN, MAX_LABELS, is_label_key, is_label_value,
};
pub use lease::{MAX_LEASES, is_lease_name};
pub use meta_node::MetaNode;
pub use ordered::{Clash, Named, Ordered};
pub use pending::Pending;
pub use permission::{Permission, Permissions};
pub use restoring::Restoring;
pub use retention_policy::{RetentionPolicy, Subscription};
pub use role::{Members, Role, Scopes, ShownUsers};
pub use shard_group::{MAX_TIME, Shard, ShardGroup};
pub use shard_groups::ShardGroups;
pub use shards::{INTERNAL_DATABASE, Located, ShardIndex};
pub use size::{MapEntry, SizedMap, SizedSet};
pub use tombstone::{RemovedWhy, Tombstone};
pub use user::{User, all_databases};

use crate::base::{Incarnation, Name, NodeId, UnixNanos};

pub type Databases = Ordered<Database>;
pub type Users = Ordered<User>;
pub type Roles = Ordered<Role>;

/// Maximum length of the name of a database or retention policy, in bytes (wire.md appendix C).
pub const MAX_NAME_LEN: usize = 255;

/// Maximum number of removed data nodes that are remembered.
pub const MAX_REMOVED_DATA_NODES: usize = 1000;

/// Highest id that is ever given out. A restore that claims a higher one is refused: the next ids
/// must not wrap around.
pub const MAX_ID: u64 = u64::MAX >> 1;

/// The whole replicated state.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    /// Term and index of the last applied command of the wire's own set, or of a command of this
    /// program that changed what the wire shows. `index` is always at least 1 (wire.md 5.1).
    pub term: u64,
    pub index: u64,
    /// Log index of the last command that changed databases, users or roles. A restore that was made from
    /// an older catalog would undo that change. 0 below [`DATA_LEVEL`].
    pub content_index: u64,
    /// Highest stamp applied so far: time never goes back in the state machine.
    pub last_at: UnixNanos,
    /// `None` until `Found` is applied.
    pub cluster: Option<Cluster>,
    pub meta_nodes: SizedMap<NodeId, MetaNode>,
    /// Nodes that were given a Raft id and are not members yet (founding.md J3 to founding.md J6).
    /// Filled by the commands of joining.
    pub pendings: SizedMap<Incarnation, Pending>,
    /// Incarnations that must never speak Raft again.
    pub tombstones: SizedMap<Incarnation, Tombstone>,
    pub data_nodes: SizedMap<NodeId, DataNode>,
    /// TCP addresses of data nodes that are given no shards and keep those that they have. Nodes
    /// that are still to join may be among them.
    pub passive: SizedSet,
    /// TCP addresses of data nodes that were removed and have not come back. The configuration does
    /// not add them again by itself.
    pub removed_data_nodes: SizedSet,
    pub databases: Databases,
    pub users: Users,
    pub roles: Roles,
    /// Last holder of each work lease. Only the leader knows how long it holds.
    pub leases: SizedMap<Name, NodeId>,
    /// Highest node id of meta and data nodes together.
    pub max_node_id: u64,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
    /// Highest Raft id ever given out. Raft ids are never reused.
    pub max_raft_id: u64,
    /// Time since which the leader looks for data nodes that hold the shards without owners: of the
    /// restore that brought them, or of the entry from which the cluster has [`OWNERS_LEVEL`].
    pub owners_sought_since: Option<UnixNanos>,
    /// A restore in parts that is not committed yet. Not shown to anybody.
    pub restoring: Option<Restoring>,
    /// Derived from `databases`, by the methods that change shard groups.
    pub index_of_shards: ShardIndex,
}

impl Catalog {
    /// Feature level of the cluster; 0 without a cluster.
    pub fn feature_level(&self) -> u32 {
        self.cluster
            .as_ref()
            .map_or(0, |cluster| cluster.feature_level)
    }

    /// Numbers of changes of databases, of users and of roles. If they are equal before and after a
    /// command, it changed none of them.
    pub fn content_changes(&self) -> [u64; 3] {
        [
            self.databases.changes(),
            self.users.changes(),
            self.roles.changes(),
        ]
    }
}

/// Catalog of a node that belongs to nothing. Its index is 1, so that a client that asks for
/// anything newer than 0 gets an answer at once (wire.md 5.1).
impl Default for Catalog {
    fn default() -> Self {
        Self {
            term: 0,
            index: 1,
            content_index: 0,
            last_at: UnixNanos::default(),
            cluster: None,
            meta_nodes: SizedMap::default(),
            pendings: SizedMap::default(),
            tombstones: SizedMap::default(),
            data_nodes: SizedMap::default(),
            passive: SizedSet::default(),
            removed_data_nodes: SizedSet::default(),
            databases: Databases::default(),
            users: Users::default(),
            roles: Roles::default(),
            leases: SizedMap::default(),
            max_node_id: 0,
            max_shard_group_id: 0,
            max_shard_id: 0,
            max_raft_id: 0,
            owners_sought_since: None,
            restoring: None,
            index_of_shards: ShardIndex::default(),
        }
    }
}
