//! The replicated data as plain values: what the wire calls `Data`, and ours beside it.
//!
//! Owns: the shape of the catalog and [`Catalog::check`] with every invariant. Never: IO, a clock, wire types.
//! All containers are persistent (imbl) or `Arc`s: a clone is cheap and a snapshot is a clone.

use std::sync::Arc;

use crate::base::{Address, ClusterId, DurationNanos, Incarnation, Name, NodeId, RaftId, UnixNanos};

/// The whole replicated state.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    /// Term and index of the last applied command of the wire's own set, or of one of ours that changed
    /// what the wire shows. `index` ≥ 1 always (wire.md 5.1).
    pub term: u64,
    pub index: u64,
    /// The highest stamp applied so far: time never runs backwards in the state machine.
    pub last_at: UnixNanos,
    /// `None` until `Found` is applied.
    pub cluster: Option<Cluster>,
    pub meta_nodes: imbl::OrdMap<NodeId, MetaNode>,
    /// Given a Raft id, not yet a member (founding.md 6, J3–J6). Filled by the commands of joining.
    pub pendings: imbl::OrdMap<Incarnation, Pending>,
    /// Incarnations that must never speak Raft again.
    pub tombstones: imbl::OrdMap<Incarnation, Tombstone>,
    pub databases: Databases,
    pub max_node_id: u64,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
    /// The highest Raft id ever given out; never reused.
    pub max_raft_id: u64,
}

/// What founding fixed for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub id: ClusterId,
    pub name: String,
    /// Founded with `internal-shared-secret`: members without proofs are then refused.
    pub with_secret: bool,
    /// The lowest feature level that the founders named; raised only when every voter supports it.
    pub feature_level: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetaNode {
    pub id: NodeId,
    pub http: Address,
    pub raft: Address,
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
    pub http: Address,
    pub raft: Address,
    pub voter: bool,
}

/// Why an incarnation was taken out (founding.md 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedWhy {
    Removed,
    Replaced,
    Unseen,
    Restored,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tombstone {
    pub incarnation: Incarnation,
    pub raft_id: RaftId,
    pub why: RemovedWhy,
    pub at: UnixNanos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    pub name: Name,
    /// May be empty; may dangle (wire.md 2.3).
    pub default_retention_policy: Name,
    /// In insertion order.
    pub retention_policies: Vec<RetentionPolicy>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RetentionPolicy {
    pub name: Name,
    /// 0 = for ever.
    pub duration: DurationNanos,
    pub shard_group_duration: DurationNanos,
    pub replica_n: u32,
}

/// Databases in insertion order, found by name in O(log n). Keys are insertion numbers, never reused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Databases {
    pub(crate) by_order: imbl::OrdMap<u64, Arc<Database>>,
    pub(crate) by_name: imbl::OrdMap<Name, u64>,
    pub(crate) next: u64,
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            term: 0,
            index: 1,
            last_at: UnixNanos::default(),
            cluster: None,
            meta_nodes: imbl::OrdMap::new(),
            pendings: imbl::OrdMap::new(),
            tombstones: imbl::OrdMap::new(),
            databases: Databases::default(),
            max_node_id: 0,
            max_shard_group_id: 0,
            max_shard_id: 0,
            max_raft_id: 0,
        }
    }
}
