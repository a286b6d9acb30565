//! Values that founding fixed.

use crate::base::ClusterId;

/// Feature level from which the cluster has data nodes, shards, users, queries and leases.
pub const DATA_LEVEL: u32 = 3;

/// Feature level from which the removal of a data node leaves no shard without owners, and the data
/// nodes take turns at new shards. Members must apply these rules from the same entry on.
pub const OWNERS_LEVEL: u32 = 5;

/// Cluster as founding fixed it, for ever except for the feature level and `with_secret`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub id: ClusterId,
    pub name: String,
    /// Meta nodes without a proof of `internal-shared-secret` are refused: the cluster was founded
    /// with the secret, or every member has shown it since. Never becomes false again.
    pub with_secret: bool,
    /// Lowest feature level that the founders named. It is raised only when every member supports
    /// more.
    pub feature_level: u32,
}
