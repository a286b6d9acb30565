//! Values that founding fixed.

use crate::base::ClusterId;

/// Feature level from which the cluster has data nodes, shards, users, queries and leases.
pub const DATA_LEVEL: u32 = 3;

/// Cluster as founding fixed it, for ever except for the feature level.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub id: ClusterId,
    pub name: String,
    /// Founded with `internal-shared-secret`: members without proofs are then refused.
    pub with_secret: bool,
    /// Lowest feature level that the founders named. It is raised only when every member supports
    /// more.
    pub feature_level: u32,
}
