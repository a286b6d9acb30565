//! Whether a newcomer may take the place of a member at its address (founding.md 7, Replace).
//!
//! Only what is gone is replaced: silent to every member that can speak, while the name answers as
//! the newcomer and as nobody else. Judged when the newcomer asks to join, and again right before
//! the joint change.

use std::fmt;
use std::time::Duration;

use super::facts::{Facts, Setup};
use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::Pending;
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::Identity;

/// What was found out about the old holder of an address and about who answers there.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub newcomer: Incarnation,
    pub old: RaftId,
    /// How long this leader has led.
    pub led_for: Duration,
    /// The old one's last Raft acknowledgement to this leader, so long ago.
    pub acked: Option<Duration>,
    /// The latest that any member that answered has heard of it, this leader included, so long ago.
    pub heard: Option<Duration>,
    /// What the newcomer's advertised name answers now, at each address that it gives.
    pub name: Vec<Result<Identity, PollError>>,
}

/// Why the old one is not replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillInUse {
    pub at: Address,
    pub old: RaftId,
    pub why: WhyInUse,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyInUse {
    Leader,
    /// Too short to know whether it is silent.
    LedFor(Duration),
    Acked(Duration),
    Heard(Duration),
    /// Somebody else answers to the name.
    Answers(Incarnation),
    /// Somebody answers to the name who does not say who it is.
    Unclear(PollError),
    NewcomerSilent,
}

/// Judges on the evidence, and on what the facts say since: the later sight of the old one counts.
/// Of the newcomer only incarnation and addresses matter: when it asks to join it has no Raft id
/// yet. The old one may be a pending.
///
/// # Errors
/// What speaks for a live member at that address.
pub fn judge(
    setup: &Setup,
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
    // Nothing of one that is only pending is taken over, and it may have another address by now:
    // two that exchanged names must not wait for each other.
    let is_only_pending = facts.catalog.pending_by_raft_id(old).is_some() && !facts.has_a_vote(old);
    if !is_only_pending {
        is_silent(setup, facts, evidence).or_else(is_in_use)?;
    }
    who_answers(facts, newcomer, &evidence.name).or_else(is_in_use)
}

/// To this leader, for T, and to every member that answers it.
fn is_silent(setup: &Setup, facts: &Facts, evidence: &Evidence) -> Result<(), WhyInUse> {
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

fn lately(setup: &Setup, one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter()
        .chain(other)
        .min()
        .filter(|ago| *ago < setup.silence)
}

/// One address answers as the newcomer, none as anybody else. Another cluster's node under the same
/// name is passed over (founding.md 3.5).
fn who_answers(
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
                "{at} is still in use by a live member (the leader itself, Raft id {old}); two nodes answer to \
                 one name"
            ),
            WhyInUse::Acked(ago) => write!(
                f,
                "{at} is still in use by a live member (Raft id {old} answered the leader {} ms ago); two nodes \
                 answer to one name",
                ago.as_millis()
            ),
            WhyInUse::Heard(ago) => write!(
                f,
                "{at} is still in use by a live member (a member heard Raft id {old} {} ms ago); two nodes \
                 answer to one name",
                ago.as_millis()
            ),
            WhyInUse::Answers(incarnation) => write!(
                f,
                "{at} is still in use by a live member (incarnation {incarnation} answers there, too); two \
                 nodes answer to one name"
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
