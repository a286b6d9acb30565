//! The state machine: `apply(catalog, log id, stamped command) -> outcome`.
//!
//! Owns: the meaning of every command. Never: a clock, randomness, map order, configuration, or knowing
//! which node it is on. Called by `raft` for each committed entry, on every node, with the same bytes.

use crate::base::{Address, ClusterId, DurationNanos, Incarnation, LogId, Name, UnixNanos};
use crate::catalog::Catalog;

/// A command and what it may depend on besides the catalog, as the proposer stamped it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// The proposer's wall time. The machine uses `max(at, catalog.last_at)`.
    pub at: UnixNanos,
    /// The proposer's `retention-autocreate`.
    pub retention_autocreate: bool,
    pub command: Command,
}

/// What may be asked. The first block is the wire's (wire.md 3.3), the second ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    CreateDatabase { name: Name, retention_policy: Option<NewRetentionPolicy> },
    DropDatabase { name: Name },
    CreateRetentionPolicy { database: Name, policy: NewRetentionPolicy, default: bool },
    DropRetentionPolicy { database: Name, name: Name },
    SetDefaultRetentionPolicy { database: Name, name: Name },
    UpdateRetentionPolicy(UpdateRetentionPolicy),

    Found(Found),
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewRetentionPolicy {
    pub name: Name,
    pub duration: DurationNanos,
    pub shard_group_duration: DurationNanos,
    pub replica_n: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRetentionPolicy {
    pub database: Name,
    pub name: Name,
    pub new_name: Option<Name>,
    pub duration: Option<DurationNanos>,
    pub replica_n: Option<u32>,
    pub shard_group_duration: Option<DurationNanos>,
    pub default: bool,
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

/// What a command came to: the same on every node.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// `index` is what `Response.Index` carries: one that `Data.Index` has reached by now.
    Applied {
        index: u64,
    },
    Refused(Refused),
}

/// The machine says no. `Display` is the exact text that clients show (wire.md appendix D).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("database name required")]
    DatabaseNameRequired,
}

/// Applies one committed command. Never fails, never panics on any decodable command.
pub fn apply(_catalog: &mut Catalog, _log_id: LogId, _stamped: &Stamped) -> Outcome {
    todo!("the catalog helper")
}
