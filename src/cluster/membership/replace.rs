//! Decides whether a newcomer may take the place of a member at its address (founding.md 7.1).
//!
//! Only a member that is gone is replaced: it is silent to every member that can speak, and its
//! name answers as the newcomer and as nobody else. This is judged when the newcomer asks to join,
//! and again right before the joint change.

use std::fmt;
use std::time::Duration;

use super::facts::{Facts, MembershipSetup};
use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Pending;
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::Identity;

/// Evidence about the old holder of an address, and about the nodes that answer there.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub newcomer: Incarnation,
    pub old: RaftId,
    /// Time since this leader was elected.
    pub led_for: Duration,
    /// Time since the old member's last Raft acknowledgement to this leader.
    pub acked: Option<Duration>,
    /// Shortest time since any member that answered has heard the old member, this leader included.
    pub heard: Option<Duration>,
    /// Answers at the newcomer's advertised name, one for each address that it gives.
    pub name: Vec<Result<Identity, PollError>>,
}

/// Reason why the old member is not replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillInUse {
    pub at: Address,
    pub old: RaftId,
    pub why: WhyInUse,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyInUse {
    Leader,
    /// The leader has led for too short a time to know whether the member is silent.
    LedFor(Duration),
    Acked(Duration),
    Heard(Duration),
    /// Another node answers to the name.
    Answers(Incarnation),
    /// Something answers to the name and does not say which node it is.
    Unclear(PollError),
    NewcomerSilent,
}

/// Judges on the evidence, and on newer facts: the latest sign of the old member counts. Only the
/// incarnation and the addresses of the newcomer are used: it has no Raft id yet when it asks to
/// join. The old member may be a pending.
///
/// # Errors
/// [`StillInUse`]: a sign of a live member at that address, or not enough evidence yet.
pub fn judge(
    setup: &MembershipSetup,
    facts: &Facts,
    newcomer: &Pending,
    evidence: &Evidence,
) -> Result<(), StillInUse> {
    let old = evidence.old;
    let is_in_use = |why| {
        Err(StillInUse {
            at: newcomer.http.clone(),
            old,
            why,
        })
    };
    // An old pending without a vote need not be silent: nothing of it is taken over, and it may
    // have another address by now. Two nodes that exchanged names must not wait for each other.
    let is_only_pending = facts.catalog.pending_by_raft_id(old).is_some() && !facts.has_a_vote(old);
    if !is_only_pending {
        check_silent(setup, facts, evidence).or_else(is_in_use)?;
    }
    check_answers(facts, newcomer, &evidence.name).or_else(is_in_use)
}

/// Checks that the old member is silent for T, to this leader and to every member that answers it.
fn check_silent(
    setup: &MembershipSetup,
    facts: &Facts,
    evidence: &Evidence,
) -> Result<(), WhyInUse> {
    let old = evidence.old;
    if old == setup.me {
        return Err(WhyInUse::Leader);
    }
    if evidence.led_for < setup.silence {
        return Err(WhyInUse::LedFor(evidence.led_for));
    }
    if let Some(ago) = lately(setup, evidence.acked, facts.acked(old)) {
        return Err(WhyInUse::Acked(ago));
    }
    let here = facts
        .incarnation_of(old)
        .and_then(|incarnation| facts.heard.get(&incarnation))
        .copied();
    lately(setup, evidence.heard, here).map_or(Ok(()), |ago| Err(WhyInUse::Heard(ago)))
}

fn lately(
    setup: &MembershipSetup,
    one: Option<Duration>,
    other: Option<Duration>,
) -> Option<Duration> {
    one.into_iter()
        .chain(other)
        .min()
        .filter(|ago| *ago < setup.silence)
}

/// Checks that one address answers as the newcomer and none as anybody else. A node under another
/// cluster's name is passed over (founding.md 3.5).
fn check_answers(
    facts: &Facts,
    newcomer: &Pending,
    answers: &[Result<Identity, PollError>],
) -> Result<(), WhyInUse> {
    let ours = facts
        .catalog
        .cluster
        .as_ref()
        .map(|cluster| cluster.name.as_str());
    let mut is_there = false;
    for answer in answers {
        match answer {
            Ok(theirs) if theirs.incarnation == newcomer.incarnation => is_there = true,
            Ok(theirs) if Some(theirs.cluster_name.as_str()) != ours => {}
            Ok(theirs) => return Err(WhyInUse::Answers(theirs.incarnation)),
            Err(error) if error.is_an_answer() => return Err(WhyInUse::Unclear(error.clone())),
            Err(_) => {}
        }
    }
    if is_there {
        Ok(())
    } else {
        Err(WhyInUse::NewcomerSilent)
    }
}

impl fmt::Display for StillInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, old, why } = self;
        match why {
            WhyInUse::LedFor(_) => {
                write!(
                    f,
                    "the leader is new and does not know yet whether the member at {at} is gone"
                )
            }
            WhyInUse::NewcomerSilent => {
                write!(
                    f,
                    "{at} does not answer as this node: the leader must reach it under that name"
                )
            }
            WhyInUse::Leader => write!(
                f,
                "{at} is still in use by a live member (the leader itself, Raft id {old}); two \
                 nodes answer to one name"
            ),
            WhyInUse::Acked(ago) => write!(
                f,
                "{at} is still in use by a live member (Raft id {old} answered the leader {} ms \
                 ago); two nodes answer to one name",
                ago.as_millis()
            ),
            WhyInUse::Heard(ago) => write!(
                f,
                "{at} is still in use by a live member (a member heard Raft id {old} {} ms ago); \
                 two nodes answer to one name",
                ago.as_millis()
            ),
            WhyInUse::Answers(incarnation) => write!(
                f,
                "{at} is still in use by a live member (incarnation {incarnation} answers there, \
                 too); two nodes answer to one name"
            ),
            WhyInUse::Unclear(error) => {
                write!(
                    f,
                    "{at} is still in use by somebody ({error}); two nodes answer to one name"
                )
            }
        }
    }
}

impl std::error::Error for StillInUse {}
