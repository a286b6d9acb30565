//! Outcomes of commands.

use crate::base::{Address, Incarnation, Name, NodeId, RaftId, ShardGroupId, ShardId, Text};
use crate::catalog::{MAX_LABEL_KEY_LEN, MAX_LABEL_VALUE_LEN, MAX_LABELS, MAX_LEASES, Violation};

/// Outcome of a command: the same on every node.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// `index` is the value of `Response.Index`: an index that `Data.Index` has reached by now.
    Applied {
        index: u64,
    },
    Refused(Refused),
}

/// Refusal by the machine. `Display` is the exact text that clients show (wire.md appendix D).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("database name required")]
    DatabaseNameRequired,
    #[error("name too long")]
    NameTooLong,
    #[error("database not found: {0}")]
    DatabaseNotFound(Name),
    #[error("retention policy name required")]
    RetentionPolicyNameRequired,
    /// Has the name as asked for: empty if there was no default to fall back to.
    #[error("retention policy not found: {0}")]
    RetentionPolicyNotFound(Name),
    #[error("retention policy already exists")]
    RetentionPolicyExists,
    #[error("retention policy conflicts with an existing policy")]
    RetentionPolicyConflict,
    #[error("retention policy name already exists")]
    RetentionPolicyNameExists,
    #[error("retention policy duration must be at least 1h0m0s")]
    DurationTooLow,
    #[error("retention policy duration must be greater than the shard duration")]
    DurationBelowShardGroup,
    #[error("replication factor must be greater than 0")]
    ReplicationFactorZero,
    #[error("shard group not found")]
    ShardGroupNotFound,
    #[error("continuous query already exists")]
    ContinuousQueryExists,
    #[error("subscription already exists")]
    SubscriptionExists,
    #[error("subscription not found")]
    SubscriptionNotFound,
    #[error("invalid subscription URL: {0}")]
    InvalidSubscriptionUrl(Text),
    #[error("username required")]
    UsernameRequired,
    #[error("user already exists")]
    UserExists,
    #[error("user not found")]
    UserNotFound,
    #[error("role name required")]
    RoleNameRequired,
    #[error("role already exists")]
    RoleExists,
    #[error("role not found")]
    RoleNotFound,
    #[error("node already exists")]
    DataNodeExists,
    #[error("node not found")]
    DataNodeNotFound,
    /// The restore was made from an older catalog: changes since then would be lost (wire.md Q34).
    #[error(
        "databases were changed since index {from}, from which the restore was made: start it again"
    )]
    RestoreIsStale { from: u64 },
    #[error("the restore contradicts itself: {0}")]
    RestoreUnsound(RestoreFault),
    /// Refusal of a part.
    #[error("another restore began, or this one was given up: start it again")]
    RestoreGone,
    /// Refusal of `Found`; no wire command ends so.
    #[error(
        "founders must be at least one, and differ in incarnation, HTTP address and Raft address"
    )]
    FoundersNotDistinct,
    /// First of the refusals of our own commands about meta nodes.
    #[error("there is no cluster yet")]
    NoCluster,
    #[error("the catalog's time is not ahead: there is nothing to repair")]
    TimeIsRight,
    #[error("incarnation {0} was removed from this cluster")]
    Tombstoned(Incarnation),
    #[error("no meta node has Raft id {0}")]
    UnknownRaftId(RaftId),
    #[error("another meta node has the address {0}")]
    AddressInUse(Address),
    #[error("node not found: {0}")]
    NodeNotFound(NodeId),
    #[error("a label key must have 1 to {MAX_LABEL_KEY_LEN} bytes")]
    LabelKeySize,
    #[error("the value of label {key:?} has more than {MAX_LABEL_VALUE_LEN} bytes")]
    LabelValueTooLong { key: String },
    #[error("node {0} would have more than {MAX_LABELS} labels")]
    TooManyLabels(NodeId),
    /// First of the refusals of our own commands about data nodes, shards and leases.
    #[error("{}", only_copies(first, *more, node))]
    LastCopies {
        first: Vec<ShardId>,
        more: usize,
        node: Text,
    },
    #[error("shard {shard} has no copy on data node {node}")]
    NotAnOwner { shard: ShardId, node: NodeId },
    #[error("shard not found for id: {0}")]
    ShardNotFound(ShardId),
    #[error("another leader decides on leases since")]
    LeaseOfAnotherTerm,
    #[error("data node {0} is passive: it is given no shards")]
    PassiveOwner(Text),
    #[error("lease name required")]
    LeaseNameRequired,
    #[error("{MAX_LEASES} leases are known: no other name is taken")]
    TooManyLeases,
}

/// Contradictions in the data of a restore.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreFault {
    #[error("{0} is no id that a cluster comes to")]
    IdTooHigh(u64),
    #[error("shard group {0} was another one, which is gone")]
    ShardGroupReused(ShardGroupId),
    #[error("shard {0} was another one, which is gone")]
    ShardReused(ShardId),
    #[error("{0:?} is in it twice")]
    NameTwice(Name),
    #[error("shard group {0} is in it twice")]
    ShardGroupTwice(ShardGroupId),
    #[error("a part of it belongs to nothing")]
    NothingBefore,
    #[error(transparent)]
    Invariant(#[from] Violation),
}

fn only_copies(first: &[ShardId], more: usize, node: &Text) -> String {
    if let ([shard], 0) = (first, more) {
        return format!(
            "shard {shard} has its only copy on {node}: copy it to another data node first, or use \
             force"
        );
    }
    let mut shards = first
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if more > 0 {
        shards += &format!(" and {more} more");
    }
    format!(
        "shards {shards} have their only copies on {node}: copy them to another data node first, \
         or use force"
    )
}
