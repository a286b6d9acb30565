//! The replicated data as plain values: what the wire calls `Data`, and ours beside it.
//!
//! Owns: the shape of the catalog and [`Catalog::check`] with every invariant in one list.
//! Never: IO, a clock, wire types, deciding whether a change is allowed (that is `machine`).
//! Invariants: `check.rs`. Changed by `machine` alone; read by everyone above.
//!
//! All containers are persistent (imbl) or `Arc`s: a clone is cheap and a snapshot is a clone.

mod check;
mod cluster;
mod database;
mod databases;
mod labels;
mod meta_node;
mod pending;
mod retention_policy;
mod tombstone;

pub use check::{INVARIANTS, Invariant, Violation};
pub use cluster::Cluster;
pub use database::Database;
pub use databases::{Databases, DuplicateDatabase};
pub use labels::{MAX_LABEL_KEY_LEN, MAX_LABEL_VALUE_LEN, MAX_LABELS, is_label_key, is_label_value};
pub use meta_node::MetaNode;
pub use pending::Pending;
pub use retention_policy::RetentionPolicy;
pub use tombstone::{RemovedWhy, Tombstone};

use crate::base::{Incarnation, NodeId, UnixNanos};

/// The longest name of a database or retention policy, in bytes (wire.md appendix C).
pub const MAX_NAME_LEN: usize = 255;

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

impl Catalog {
    /// How many data nodes there are: none before the catalog has the commands that add them.
    pub fn data_node_count(&self) -> u32 {
        0
    }
}

/// A node that belongs to nothing. Its index is 1, so that a client that asks for what is newer than 0
/// gets an answer at once (wire.md 5.1).
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
