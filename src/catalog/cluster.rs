//! What founding fixed.

use crate::base::ClusterId;

/// From this feature level on the cluster has data nodes, shards, users, queries and leases.
pub const DATA_LEVEL: u32 = 3;

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
