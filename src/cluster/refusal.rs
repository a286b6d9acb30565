//! Refusals of requests about membership, with the status that operators and other meta nodes get.

use std::fmt;

use crate::base::{Address, ClusterId, Incarnation, RaftId};
use crate::cluster::membership::{StepError, StillInUse};
use crate::cluster::peers::exchange::PollError;
use crate::cluster::view::NotMember;
use crate::machine::Refused;
use crate::raft::{BarrierError, ProposeError};
use crate::wire::identity::Phase;
use crate::wire::joining::Removed;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This node does not lead. No caller gets this as an answer: the leader is asked instead.
    #[error("not the leader")]
    NotLeader,
    /// The request is wrong: 400.
    #[error("{0}")]
    Bad(BadPeerRequest),
    /// The present state forbids it, and asking again does not help by itself: 409.
    #[error("{0}")]
    Conflict(MembershipConflict),
    /// Nothing is lost by asking again: 503.
    #[error("{0}")]
    NotYet(NotYet),
    /// The other node does not answer, or is no meta node: 500 (wire.md 6.2).
    #[error("{0}")]
    Unreachable(Unreachable),
    /// No such node: 500 (wire.md 6.2).
    #[error("node not found: {0}")]
    NotFound(Absent),
    /// 401.
    #[error("wrong secret: internal-shared-secret differs")]
    WrongSecret,
    /// The caller's incarnation was removed from the cluster: 410.
    #[error("this node was taken out of the cluster by {}", .0.by)]
    Gone(Removed),
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Self::Bad(_) => 400,
            Self::WrongSecret => 401,
            Self::Conflict(_) => 409,
            Self::Gone(_) => 410,
            Self::Unreachable(_) | Self::NotFound(_) => 500,
            Self::NotLeader | Self::NotYet(_) => 503,
        }
    }

    /// Whether the change that was asked for may happen although this is the answer.
    pub fn may_still_happen(&self) -> bool {
        matches!(self, Self::NotYet(not_yet) if not_yet.may_still_happen())
    }
}

/// Errors in a request of another meta node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPeerRequest {
    #[error("unknown path: {path}")]
    UnknownPath { path: String },
    /// In the words of the JSON parser.
    #[error("the body is not what it should be: {0}")]
    Body(String),
    #[error("the identity is not the sender's")]
    NotTheSender,
}

/// The node that was not found, as the caller named it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    #[error("{0}")]
    Address(Address),
    #[error("Raft id {0}")]
    RaftId(RaftId),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error("{at}: {error}")]
    Poll { at: Address, error: PollError },
    #[error("{0}")]
    Answered(PeerRefusal),
}

/// A refusal by another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRefusal {
    pub at: Address,
    pub status: u16,
    /// The node's own words; `None` when the answer had none.
    pub text: Option<String>,
}

impl fmt::Display for PeerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{}: {text}", self.at),
            None => write!(f, "{}: HTTP {}", self.at, self.status),
        }
    }
}

/// States that forbid what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipConflict {
    /// In the words of this node's view.
    #[error("{0}")]
    NotMember(NotMember),
    #[error("auto-join in progress: {}", .0.reason)]
    AutoJoin(NotMember),
    #[error(
        "INFLUXDB_META_CLUSTER_NAME is {theirs:?} at {at}, and this cluster was founded as \
         {founded:?}: set it to that"
    )]
    OtherClusterName {
        at: Address,
        theirs: String,
        founded: String,
    },
    #[error(
        "a cluster is all loopback or not at all: {own} here, {theirs} there; set \
         INFLUXDB_HOSTNAME to names that all can reach"
    )]
    Loopback { own: Address, theirs: Address },
    #[error(
        "a cluster is all loopback or not at all: the leader is {leader}, the new node {theirs}; set \
         INFLUXDB_HOSTNAME there to a name that the others can reach"
    )]
    LoopbackAtLeader { leader: Address, theirs: Address },
    #[error("{0} has INFLUXDB_META_PEERS set and forms its cluster by itself; set it here as well")]
    HasPeers(Address),
    #[error(
        "{at} is in cluster {} (members {}); to add this node there run: influxd-ctl -bind {at} \
         add-meta {own}",
        id_text(*cluster_id),
        spaced(members)
    )]
    InACluster {
        at: Address,
        cluster_id: Option<ClusterId>,
        members: Vec<Address>,
        own: Address,
    },
    #[error("{at} was taken out of its cluster; found one here first: influxd-ctl add-meta {own}")]
    RemovedThere { at: Address, own: Address },
    /// In the words of the original meta node (wire.md 6.2), which `influxd-ctl` prints.
    #[error(
        "meta node at {:?} is a member of another cluster: cluster={} members=[{}]; to add it here, \
         first take it out there (influxd-ctl remove-meta {at}), or, if nobody needs that cluster's \
         data, stop it and delete its volume",
        at.to_string(),
        id_text(*cluster_id),
        spaced(members)
    )]
    InAnotherCluster {
        at: Address,
        cluster_id: Option<ClusterId>,
        members: Vec<Address>,
    },
    #[error("a member of another cluster")]
    MemberOfAnother,
    #[error("the last voter cannot leave: stop it, and delete its volume if no data matters")]
    LastVoter,
    #[error("leave of the last member: {name} is the only voter, the cluster ends with it")]
    LastMember { name: String },
    #[error(
        "without {name}, {healthy} of {voters} voters would answer, which is no majority; bring \
         the others back first, or remove it with -force"
    )]
    NoMajority {
        name: String,
        healthy: usize,
        voters: usize,
    },
    #[error("the invitation is for another incarnation; ask again")]
    OtherIncarnation,
    #[error(
        "this node is configured to found alone (-single-server, or bootstrap-expect = 1): take \
         that off, restart it, then `influxd-ctl add-meta`"
    )]
    FoundsAlone,
    #[error("it is no member of this cluster")]
    NotAMember,
    #[error(
        "two nodes answer to {at} (incarnations {one} and {other}): two stacks on one network? \
         give each its own INFLUXDB_META_CLUSTER_NAME"
    )]
    DuplicateName {
        at: Address,
        one: Incarnation,
        other: Incarnation,
    },
    #[error("it is {phase:?} elsewhere: cluster {cluster_id:?}")]
    Elsewhere {
        phase: Phase,
        cluster_id: Option<ClusterId>,
    },
    #[error("{0}")]
    InUse(StillInUse),
    #[error(
        "another node answers to {at} (incarnation {incarnation}): give each node its own name \
         (INFLUXDB_HOSTNAME)"
    )]
    OtherNodeAnswers {
        at: Address,
        incarnation: Incarnation,
    },
    #[error(
        "the leader does not know the name {host}: set INFLUXDB_HOSTNAME to one that all members can \
         resolve"
    )]
    NameUnknownToLeader { host: String },
    #[error(
        "the other node calls itself {host}, a name that is not known here: set INFLUXDB_HOSTNAME there \
         to one that all members can resolve"
    )]
    NameUnknownHere { host: String },
    /// The state machine refused the command.
    #[error("{0}")]
    Command(Refused),
    #[error("{0}")]
    Peer(PeerRefusal),
}

/// States in which asking again may help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    #[error("this node is starting: it reads its log")]
    Starting,
    /// In the words of this node's view.
    #[error("{0}")]
    NotMember(NotMember),
    /// A member may not be able to read the log entry that this needs, and such an entry would halt
    /// it.
    #[error("not every meta node is known to run a version that has {0}")]
    OldMembers(&'static str),
    #[error("still joining: another request is under way")]
    AnotherRequest,
    #[error("still joining: this node has just started, and founds in a moment")]
    JustStarted,
    #[error("still joining: this node has promised another one not to found")]
    PromisedNotToFound,
    #[error("this node is about to found by itself; ask again")]
    AboutToFound,
    #[error("this node has promised another one not to found; ask again")]
    HasPromised,
    #[error("not a fresh node that waits for a person")]
    NotManual,
    /// With what the node waits for.
    #[error("still joining: {0}")]
    StillJoining(String),
    #[error(
        "still joining: the node was invited and has not asked to join yet; its log and its /healthz \
         say why"
    )]
    NotAsked,
    /// With what the node waits for.
    #[error("still leaving: {0}")]
    StillLeaving(String),
    #[error("no leader: dialling {0}")]
    Dialling(Address),
    #[error("no leader")]
    NoLeader,
    #[error("no leader: a new one is taking over")]
    NewLeader,
    #[error("no leader: {0}")]
    Barrier(BarrierError),
    #[error("leadership changed meanwhile; ask again")]
    LeadershipChanged,
    #[error("another node leads now; ask again")]
    AnotherLeads,
    #[error("no other voter takes over the leadership; ask again")]
    NoSuccessor,
    #[error("{name} leads: leadership has to be handed over first")]
    Leads { name: String },
    #[error("others are being removed; ask again")]
    ManyRemovals,
    #[error("still removing it: a majority of the voters has to agree")]
    StillRemoving,
    /// With the voters that answer.
    #[error("waiting for a majority: {0}")]
    Majority(String),
    #[error("the membership task is busy with another node; ask again")]
    Busy,
    #[error(
        "every member has to run this version first, which {} did not say yet; one that is gone \
         for good is removed with -force",
        .0.join(" and ")
    )]
    VersionUnknown(Vec<String>),
    #[error("{0}")]
    Step(StepError),
    #[error("it was dropped meanwhile; ask again")]
    Dropped,
    #[error("the cluster is being founded")]
    BeingFounded,
    #[error(
        "a member still runs a version that cannot read what joining writes: upgrade all members"
    )]
    JoiningUnknown,
    #[error("{0} nodes are joining already")]
    ManyPendings(usize),
    #[error("the leader does not reach the new node at {at}: {error}")]
    LeaderCannotReach { at: Address, error: PollError },
    #[error("{0}")]
    Proposal(ProposeError),
    #[error("{at}: {error}")]
    Poll { at: Address, error: PollError },
    #[error("{0}")]
    Peer(PeerRefusal),
}

impl NotYet {
    fn may_still_happen(&self) -> bool {
        // A removal that was begun is finished later, by the next leader if need be.
        matches!(
            self,
            Self::StillJoining(_)
                | Self::StillLeaving(_)
                | Self::StillRemoving
                | Self::LeadershipChanged
                | Self::AnotherLeads
                | Self::Majority(_)
                | Self::Busy
                | Self::Step(StepError::Unknown)
                | Self::Proposal(ProposeError::Unknown(_))
        )
    }
}

fn id_text(id: Option<ClusterId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn spaced(addresses: &[Address]) -> String {
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}
