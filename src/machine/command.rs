//! What may be asked of the machine.

use crate::base::{Address, ClusterId, DurationNanos, Incarnation, Name, UnixNanos};

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

impl Command {
    /// Of the wire's own set, which moves `Data.Index` whatever comes of it.
    pub fn is_of_the_wire(&self) -> bool {
        match self {
            Self::CreateDatabase { .. }
            | Self::DropDatabase { .. }
            | Self::CreateRetentionPolicy { .. }
            | Self::DropRetentionPolicy { .. }
            | Self::SetDefaultRetentionPolicy { .. }
            | Self::UpdateRetentionPolicy(_) => true,
            Self::Found(_) => false,
        }
    }
}

/// A retention policy as asked for: nothing in it has been checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRetentionPolicy {
    pub name: Name,
    pub duration: DurationNanos,
    /// 0 = choose by `duration`.
    pub shard_group_duration: DurationNanos,
    pub replica_n: u32,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRetentionPolicy {
    pub database: Name,
    /// Empty = the database's default.
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
