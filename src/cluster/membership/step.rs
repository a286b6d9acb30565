//! What goes in and what comes out: events and steps.

use std::collections::BTreeSet;

use super::replace::Evidence;
use crate::base::{Incarnation, RaftId};
use crate::catalog::{MetaNode, Pending};
use crate::cluster::peers::exchange::PollError;
use crate::machine::Command;
use crate::wire::identity::Identity;

/// One thing to do, alone. Each ends, in time, with the event that its comment names.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// [`Event::Done`], once it is applied here.
    Propose(Command),
    /// [`Event::Done`]; does not wait until it has caught up.
    AddLearner {
        raft_id: RaftId,
        incarnation: Incarnation,
    },
    /// The whole new set, by joint consensus; who no longer votes is out of the membership.
    /// [`Event::Done`].
    ChangeVoters { voters: BTreeSet<RaftId> },
    /// [`Event::Done`].
    RemoveLearners { ids: BTreeSet<RaftId> },
    /// Poll its advertised address, every address that the name gives, for at most 2 s.
    /// [`Event::Visited`].
    Visit { pending: Pending },
    /// Ask all members what they heard of the old one, and the newcomer's name who answers, for at
    /// most 4 s. [`Event::Inquired`].
    Inquire { newcomer: Pending, old: MetaNode },
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time passed or something changed.
    Looked,
    /// The end of `Propose`, `AddLearner`, `ChangeVoters` or `RemoveLearners`. A proposal that the
    /// machine refused is [`StepError::Refused`].
    Done(Result<(), StepError>),
    /// The end of `Visit`: what each socket address said. Empty: the name gave no address.
    Visited {
        incarnation: Incarnation,
        answers: Vec<Result<Identity, PollError>>,
    },
    /// The end of `Inquire`.
    Inquired(Evidence),
    /// A person wants a member or a pending out.
    Remove(Request),
}

/// A person's removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub raft_id: RaftId,
    /// Also where the voters that remain could not go on.
    pub force: bool,
    /// Who wants it, in words.
    pub by: String,
    /// Names the request in [`super::Membership::answered`].
    pub number: u64,
}

/// Why a step did not do what it was to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Nothing has changed.
    #[error("refused: {0}")]
    Refused(String),
    #[error("not the leader any more")]
    NotLeader,
    /// Done or not: the facts will tell.
    #[error("not known to be done")]
    Unknown,
}
