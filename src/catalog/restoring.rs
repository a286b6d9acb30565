//! A restore that came in parts so far. Nobody reads it before its last part: it replaces databases
//! and users as a whole.

use super::{Databases, Users};
use crate::base::UnixNanos;

#[derive(Clone, Debug, PartialEq)]
pub struct Restoring {
    /// Random number that its leader gave it. A part of another restore is refused.
    pub id: u64,
    /// Index of the catalog that the restore was made from.
    pub index: u64,
    pub max_shard_group_id: u64,
    pub max_shard_id: u64,
    /// Number of parts so far.
    pub parts: u32,
    /// Stamp of the last part. An abandoned restore is dropped some time after it.
    pub at: UnixNanos,
    pub databases: Databases,
    pub users: Users,
}
