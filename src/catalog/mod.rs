//! The replicated data as plain values: what the wire calls `Data`, and ours beside it.
//!
//! Owns: the shape of the catalog and [`Catalog::check`] with every invariant in one list.
//! Never: IO, a clock, wire types, deciding whether a change is allowed (that is `machine`).
//! Invariants: `check.rs`. Changed by `machine` alone; read by everyone above.
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
mod retention_policy;
mod shard_group;
mod shard_groups;
mod shards;
mod tombstone;
mod user;

pub use check::{INVARIANTS, Invariant, Violation};
pub use cluster::{Cluster, DATA_LEVEL};
pub use data_node::DataNode;
pub use database::{ContinuousQuery, Database};
pub use labels::{
    MAX_LABEL_KEY_LEN, MAX_LABEL_VALUE_LEN, MAX_LABELS, is_label_key, is_label_value,
};
pub use lease::{MAX_LEASES, is_lease_name};
pub use meta_node::MetaNode;
pub use ordered::{Clash, Named, Ordered};
pub use pending::Pending;
pub use retention_policy::{RetentionPolicy, Subscription};
pub use shard_group::{MAX_TIME, Shard, ShardGroup};
pub use shard_groups::ShardGroups;
pub use shards::{Located, ShardIndex};
pub use tombstone::{RemovedWhy, Tombstone};
pub use user::User;

use crate::base::{Incarnation, Name, NodeId, Text, UnixNanos};

pub type Databases = Ordered<Database>;
pub type Users = Ordered<User>;

/// The longest name of a database or retention policy, in bytes (wire.md appendix C).
pub const MAX_NAME_LEN: usize = 255;

/// The most removed data nodes that are remembered.
pub const MAX_REMOVED_DATA_NODES: usize = 1000;

/// The highest id that is ever given out. A restore that claims more is refused: the next ones must
/// not begin anew.
pub const MAX_ID: u64 = u64::MAX >> 1;

/// The whole replicated state.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    /// Term and index of the last applied command of the wire's own set, or of one of ours that
    /// changed what the wire shows. `index` ≥ 1 always (wire.md 5.1).
    pub term: u64,
    pub index: u64,
    /// The log index of the last command that changed databases or users: a restore that was made
    /// from an older catalog would undo it. 0 below [`DATA_LEVEL`].
    pub content_index: u64,
    /// The highest stamp applied so far: time never runs backwards in the state machine.
    pub last_at: UnixNanos,
    /// `None` until `Found` is applied.
    pub cluster: Option<Cluster>,
    pub meta_nodes: imbl::OrdMap<NodeId, MetaNode>,
    /// Given a Raft id, not yet a member (founding.md 6, J3–J6). Filled by the commands of joining.
    pub pendings: imbl::OrdMap<Incarnation, Pending>,
    /// Incarnations that must never speak Raft again.
    pub tombstones: imbl::OrdMap<Incarnation, Tombstone>,
    pub data_nodes: imbl::OrdMap<NodeId, DataNode>,
    /// TCP addresses of data nodes that are given no shards, and keep those that they have; also of
    /// ones that are still to join.
    pub passive: imbl::OrdSet<Text>,
    /// TCP addresses of data nodes that were taken out and did not come back: the configuration
    /// does not bring them back by itself.
    pub removed_data_nodes: imbl::OrdSet<Text>,
    pub databases: Databases,
    pub users: Users,
    /// The last holder of each work lease. How long it holds is the leader's to know.
    pub leases: imbl::OrdMap<Name, NodeId>,
    /// Of data and meta nodes alike.
    pub max_node_id: u64,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
    /// The highest Raft id ever given out; never reused.
    pub max_raft_id: u64,
    /// Derived from `databases`, by the methods that change shard groups.
    pub index_of_shards: ShardIndex,
}

impl Catalog {
    /// 0 without a cluster.
    pub fn feature_level(&self) -> u32 {
        self.cluster
            .as_ref()
            .map_or(0, |cluster| cluster.feature_level)
    }

    /// The same numbers before and after a command: it changed neither databases nor users.
    pub fn content_changes(&self) -> (u64, u64) {
        (self.databases.changes(), self.users.changes())
    }
}

/// A node that belongs to nothing. Its index is 1, so that a client that asks for what is newer
/// than 0 gets an answer at once (wire.md 5.1).
impl Default for Catalog {
    fn default() -> Self {
        Self {
            term: 0,
            index: 1,
            content_index: 0,
            last_at: UnixNanos::default(),
            cluster: None,
            meta_nodes: imbl::OrdMap::new(),
            pendings: imbl::OrdMap::new(),
            tombstones: imbl::OrdMap::new(),
            data_nodes: imbl::OrdMap::new(),
            passive: imbl::OrdSet::new(),
            removed_data_nodes: imbl::OrdSet::new(),
            databases: Databases::default(),
            users: Users::default(),
            leases: imbl::OrdMap::new(),
            max_node_id: 0,
            max_shard_group_id: 0,
            max_shard_id: 0,
            max_raft_id: 0,
            index_of_shards: ShardIndex::default(),
        }
    }
}
