//! Input and output of the membership task: events and steps.

use std::collections::BTreeSet;

use super::replace::Evidence;
use crate::base::{Incarnation, RaftId};
use crate::catalog::{MetaNode, Pending};
use crate::cluster::peers::exchange::PollError;
use crate::machine::InternalCommand;
use crate::wire::identity::Identity;

/// One action of the leader. Only one step is in flight. Each ends within its deadline, with the
/// event that its comment names.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Propose this command. Ends with [`Event::Done`] when it is applied here.
    Propose(InternalCommand),
    /// Add a learner, without waiting until it has caught up. Ends with [`Event::Done`].
    AddLearner {
        raft_id: RaftId,
        incarnation: Incarnation,
    },
    /// Change to this whole new set of voters, by joint consensus. A voter that is not in it leaves
    /// the membership. Ends with [`Event::Done`].
    ChangeVoters { voters: BTreeSet<RaftId> },
    /// Remove these learners from the membership. Ends with [`Event::Done`].
    RemoveLearners { ids: BTreeSet<RaftId> },
    /// Poll the advertised address of this pending, every address that the name gives, for at most
    /// 2 s. Ends with [`Event::Visited`].
    Visit { pending: Pending },
    /// Poll all other members for what they heard of the old member, and the newcomer's name for
    /// who answers there, all at once, for at most 2 s. Ends with [`Event::Inquired`].
    Inquire { newcomer: Pending, old: MetaNode },
}

/// Input of [`super::Membership::handle`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Time passed, or something changed.
    Tick,
    /// End of `Propose`, `AddLearner`, `ChangeVoters` or `RemoveLearners`. A proposal that the
    /// machine refused is [`StepError::Refused`].
    Done(Result<(), StepError>),
    /// End of `Visit`, with the answer of each socket address. Empty: the name gave no address.
    Visited {
        incarnation: Incarnation,
        answers: Vec<Result<Identity, PollError>>,
    },
    /// End of `Inquire`.
    Inquired(Evidence),
    /// An operator wants a member or a pending removed.
    Remove(Request),
}

/// A removal that an operator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub raft_id: RaftId,
    /// Remove the node even if the remaining voters have no healthy majority.
    pub force: bool,
    /// Text that names who asked for it.
    pub by: String,
    /// Number of the request in [`super::Membership::answered`].
    pub number: u64,
}

/// Reason why a step did not do what it was to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Nothing has changed.
    #[error("refused: {0}")]
    Refused(String),
    #[error("not the leader any more")]
    NotLeader,
    /// The result is not known. The next facts show it.
    #[error("not known to be done")]
    Unknown,
}
