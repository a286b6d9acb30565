//! Reasons why a caller gets no answer to its request. `http` has the table of statuses.

use std::time::Duration;

use crate::auth::NotHashed;
use crate::base::{Address, AddressError, Name, NodeId, RaftId, ShardId, Text};
use crate::client::CallError;
use crate::cluster::{NotMember, Refusal};
use crate::data_node::Failed;
use crate::machine::Refused;
use crate::raft::{
    BarrierError, NotLeader, OUTCOME_UNKNOWN, OverQuota, ProposeError, TimeRepairRefused,
    UnknownReason,
};
use crate::wire::budget::OverBudget;
use crate::wire::execute::DecodeError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This node is not part of a cluster. The sentence says what it waits for, and what to do.
    #[error("{0}")]
    NotMember(#[from] NotMember),
    /// Certainly not executed here; [`Service::at_leader`](super::Service::at_leader) then asks
    /// the leader.
    #[error("{0}")]
    NotLeader(#[from] NotLeader),
    /// Certainly not executed. Counts the meta nodes that this one has heard lately, itself
    /// included, and all of them.
    #[error("no leader{}", counted(*reachable))]
    NoLeader { reachable: Option<(usize, usize)> },
    /// Maybe executed, maybe not, maybe later: never a false success or failure.
    #[error("{}: {outcome}", OUTCOME_UNKNOWN, outcome = .0)]
    Unknown(#[from] UnknownOutcome),
    #[error("{}", ProposeError::DiskFull)]
    DiskFull,
    /// Certainly not executed.
    #[error("{}", ProposeError::DiskSlow)]
    DiskSlow,
    /// Not executed: the leader's clock is far ahead. Another node leads soon, or the clock is set
    /// right.
    #[error("{}", ProposeError::ClockAhead { raft_id: *raft_id, by: *by })]
    ClockAhead { raft_id: RaftId, by: Duration },
    #[error("{}", ProposeError::Halted(reason.clone()))]
    Halted { reason: String },
    /// This node is halted; the answer to a long poll.
    #[error("{reason}")]
    PollHalted { reason: String },
    /// Text of the wire (wire.md 4.3).
    #[error("server closed")]
    Stopping,
    #[error("{}", ProposeError::TooLarge { bytes: *bytes, max: *max })]
    TooLarge { bytes: usize, max: usize },
    /// Not executed: one command costs at most so much on each node.
    #[error("{0}")]
    OverBudget(#[from] OverBudget),
    /// Not executed: the catalog would exceed its quota. A person has to make room or raise it.
    #[error("{0}")]
    OverQuota(#[from] OverQuota),
    /// Not executed: a restore for which this node has not enough memory. The other nodes usually
    /// have as much.
    #[error(
        "the restore needs up to {needs} bytes of memory on each meta node, this one has {left} \
         left: give the meta nodes more memory, or restore fewer databases at a time"
    )]
    NoMemory { needs: u64, left: u64 },
    /// Not executed: large commands are read one at a time.
    #[error("other large commands are being read: try again")]
    Busy,
    /// The caller's bytes or parameters are wrong.
    #[error("{0}")]
    Bad(#[from] BadRequest),
    /// Refused by `cluster`: joining, leaving, removing.
    #[error("{0}")]
    Refused(Refusal),
    /// A user or role that is read is not there.
    #[error("{0}")]
    UnknownName(Refused),
    /// Not executed: a new password was not hashed.
    #[error("{0}")]
    Password(#[from] NotHashed),
    /// No node has this id.
    #[error("node not found")]
    NodeNotFound,
    /// Forwarded here for another node; see [`MEANT_FOR`](crate::wire::headers::MEANT_FOR).
    /// Certainly not executed.
    #[error("this is not the node that the request was carried to: two nodes answer to one name")]
    Misdirected,
    /// A data node did not do what it was asked, or an operation on one failed halfway.
    #[error("{0}")]
    DataNode(#[from] DataNodeError),
    /// The request contradicts the present state.
    #[error("{0}")]
    Conflict(#[from] Conflict),
    /// `GET /show-shards`: all places for lists are taken by callers who read slowly.
    #[error("too many lists of shards are being read: try again in a moment")]
    TooManyLists,
    /// `GET /ping?all`.
    #[error("one or more metaservers not up")]
    NotAllUp,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotLeader => NotLeader::default().into(),
            other => Self::Refused(other),
        }
    }
}

/// Ways in which the outcome of a command got lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownOutcome {
    /// Proposed here.
    #[error("{0}")]
    Proposed(UnknownReason),
    #[error("the leader {leader} did not answer ({error})")]
    NoAnswer { leader: Address, error: CallError },
    #[error("the leader {leader} did not answer (another one leads now)")]
    Deposed { leader: Address },
}

/// Faults in a caller's bytes or parameters. Addresses are as the caller wrote them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    #[error("{0}")]
    Command(#[from] DecodeError),
    /// Refused by the machine.
    #[error("{0}")]
    Refused(Refused),
    #[error("{name}: {error}")]
    Address {
        name: &'static str,
        error: AddressError,
    },
    /// `POST /user`.
    #[error("password or hash required")]
    NoSecret,
    #[error("the hash is no bcrypt hash: 60 characters that begin with $2a$, $2b$ or $2y$")]
    NoHash,
    /// `GET /authorized`.
    #[error("invalid permission: {0}")]
    NoPermission(String),
    #[error("node {id} is no data node of this cluster")]
    NotADataNode { id: NodeId },
    /// `/remove-data`.
    #[error("node not found: {addr}")]
    NodeNotFound { addr: String },
    /// `/update-data`.
    #[error("no data node with bind address {addr} exists")]
    NoDataNode { addr: String },
    #[error("cannot update data node {old} to {new}; {new} is already part of cluster")]
    AddressInUse { old: Text, new: Address },
    /// Requests about shards (wire.md 6.2).
    #[error("unable to find node for \"{addr}\"")]
    NoNodeFor { addr: String },
    #[error("shard not found for id: {id}")]
    ShardNotFound { id: ShardId },
    #[error("\"{addr}\" is not an owner of shard {shard}")]
    NotAnOwner { addr: String, shard: ShardId },
    #[error("shard {shard} is deleted: the data nodes are about to drop it")]
    ShardDeleted { shard: ShardId },
    #[error("\"{addr}\" is passive: it owns no shards")]
    Passive { addr: String },
    #[error("\"{node}\" already has a copy of shard {shard}")]
    HasCopy { node: Text, shard: ShardId },
}

/// Requests that contradict the present state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("{tcp} is data node {id} and not passive: remove it first, to add it as a passive one")]
    NotPassive { tcp: Text, id: NodeId },
    #[error("{0}")]
    TimeRepair(TimeRepairRefused),
    /// `Refused::LastCopies`.
    #[error("{0}")]
    LastCopies(Refused),
    /// The same for the removal of a data node, with copies that would save the shards.
    #[error("{refused}{}", command_lines(copies, node))]
    HoldsLastCopies {
        refused: Refused,
        copies: Vec<SavingCopy>,
        node: Text,
    },
    #[error("shard {shard} is being copied to {dest} already")]
    CopyUnderWay { shard: ShardId, dest: Text },
    #[error("shard {shard} is being copied to {dest}: it owns it soon")]
    OwnerSoon { shard: ShardId, dest: Text },
    /// Refusals of `/drain-data`.
    #[error("{}", too_few_nodes(node, *left, first, *more))]
    TooFewNodes {
        node: Text,
        /// Number of active data nodes beside it.
        left: usize,
        first: Vec<Shortage>,
        more: usize,
    },
    #[error(
        "{node} is being drained: go on with it first (influxd-ctl remove-data -drain {node}), or \
         keep it (influxd-ctl remove-data -drain -cancel {node})"
    )]
    OtherDrain { node: Text },
    #[error("{node} is not being drained")]
    NotDrained { node: Text },
    #[error(
        "{node} does not answer, and has the only copies of {count} shards, shard {first} first: \
         start it again; remove-data with force, without drain, loses them"
    )]
    SilentLastCopies {
        node: Text,
        count: usize,
        first: ShardId,
    },
}

/// A retention policy that asks for more copies than there would be data nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    pub database: Name,
    pub policy: Name,
    pub copies: u32,
}

fn too_few_nodes(node: &Text, left: usize, first: &[Shortage], more: usize) -> String {
    let mut text = format!(
        "without {node} {left} data nodes may own shards, and retention policies ask for more \
         copies: add a data node first, or lower what they ask for"
    );
    for Shortage {
        database,
        policy,
        copies,
    } in first
    {
        let lowered = left.max(1);
        text += &format!(
            "\n  {copies} copies: ALTER RETENTION POLICY \"{policy}\" ON \"{database}\" REPLICATION \
             {lowered}"
        );
    }
    if more > 0 {
        text += &format!("\n  and {more} more policies");
    }
    text
}

/// A copy that would save a shard before its data node is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavingCopy {
    pub source: Text,
    pub dest: Text,
    pub shard: ShardId,
}

fn command_lines(copies: &[SavingCopy], node: &Text) -> String {
    let line = |copy: &SavingCopy| {
        let (source, dest, shard) = (&copy.source, &copy.dest, copy.shard);
        format!("\n  influxd-ctl copy-shard {source} {dest} {shard}")
    };
    let each: String = copies.iter().map(line).collect();
    let all = match each.is_empty() {
        true => String::new(),
        false => format!("\nor all at once:\n  influxd-ctl remove-data -drain {node}"),
    };
    each + &all
}

/// Failures of operations on data nodes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataNodeError {
    #[error("{}", .0.text())]
    Failed(#[from] Failed),
    /// Refused by the machine.
    #[error("{0}")]
    Refused(Refused),
    /// Refused by the machine of a later leader, with its text.
    #[error("{text}")]
    RefusedByLeader { text: String },
    #[error("data node {id} cannot be reached: {error}")]
    NoAddress { id: NodeId, error: AddressError },
    #[error("{at} says that it is data node {id}, which this cluster does not have")]
    NotRegistered { at: Address, id: NodeId },
    #[error("already joined to cluster")]
    AlreadyJoined,
    #[error(
        "at {at} a data node answers that calls itself {name}: nothing was changed; a node that \
         will not come back needs force"
    )]
    OtherName { at: Address, name: String },
    #[error("{0}: nothing was changed; a node that will not come back needs force")]
    NoStatus(Failed),
    #[error(
        "{at} is not a member any more, but did not reset itself ({}): delete its data by hand",
        failed.text()
    )]
    NotReset { at: Address, failed: Box<Failed> },
    /// Another owner holds the shard.
    #[error(
        "{node} holds no data of shard {shard}: there is nothing to copy; {owner} owns the shard \
         too and holds it"
    )]
    NothingToCopy {
        node: Text,
        shard: ShardId,
        owner: Text,
    },
    /// `/drain-data`, without force.
    #[error(
        "{node} does not answer ({why}): start it again, or copy its shards from their other \
         owners with force"
    )]
    SilentDrain { node: Text, why: String },
    #[error(
        "no data node that answers holds shard {shard}; {owner} owns it too: {why}; try again \
         when it answers"
    )]
    NoSource {
        shard: ShardId,
        owner: Text,
        why: String,
    },
    #[error(
        "no data node can take shard {shard}: each other one owns it already, is passive, or does \
         not answer"
    )]
    NoDestination { shard: ShardId },
    #[error("{at} says that it copied shard {shard}, and does not have it: it owns nothing new")]
    CopyMissing { at: Address, shard: ShardId },
    #[error(
        "{at} says that it copied shard {shard}, and has nothing of what {from} holds: it owns \
         nothing new; copy it again"
    )]
    CopyEmpty {
        at: Address,
        shard: ShardId,
        from: Text,
    },
    #[error(
        "{node} is no owner of shard {shard} any more, but may still hold its data ({error}): \
         remove it again with force once that node answers"
    )]
    StillOnDisk {
        node: Text,
        shard: ShardId,
        error: Box<DataNodeError>,
    },
}

fn counted(reachable: Option<(usize, usize)>) -> String {
    reachable.map_or_else(String::new, |(heard, of)| {
        let election = if heard > of / 2 {
            ": one is being elected"
        } else {
            ""
        };
        format!("{election} ({heard} of {of} meta nodes reachable)")
    })
}

impl From<ProposeError> for Error {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::NotLeader(not_leader) => not_leader.into(),
            ProposeError::NoLeader => Self::NoLeader { reachable: None },
            ProposeError::Unknown(reason) => UnknownOutcome::Proposed(reason).into(),
            ProposeError::DiskFull => Self::DiskFull,
            ProposeError::DiskSlow => Self::DiskSlow,
            ProposeError::ClockAhead { raft_id, by } => Self::ClockAhead { raft_id, by },
            ProposeError::Halted(reason) => Self::Halted { reason },
            ProposeError::Stopping => Self::Stopping,
            ProposeError::TooLarge { bytes, max } => Self::TooLarge { bytes, max },
            ProposeError::OverQuota(over) => over.into(),
            ProposeError::OverBudget(over) => over.into(),
        }
    }
}

impl From<BarrierError> for Error {
    fn from(error: BarrierError) -> Self {
        match error {
            BarrierError::NotLeader(not_leader) => not_leader.into(),
            BarrierError::NoMajority | BarrierError::Closed => Self::NoLeader { reachable: None },
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        DataNodeError::from(failed).into()
    }
}
