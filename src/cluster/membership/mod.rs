//! The leader's one membership task, without IO: decides the next step (founding.md 6 and
//! founding.md 7).
//!
//! Owns: the order in which joins, replacements, removals and half-done work become steps. One step
//! is in flight at a time. Never: a clock, a socket, randomness, openraft. It trusts only the
//! facts, above all after an error: the next facts show what the step really did. Run by `leader`,
//! and by the seeded schedules of `tests/it/membership` with the same events.

mod alarm;
mod context;
mod facts;
mod finish;
mod learners;
mod observations;
mod pendings;
mod removal_queue;
mod removals;
mod replace;
mod secret;
mod step;

use std::collections::BTreeMap;
use std::time::Duration;

pub use alarm::Alarm;
pub use facts::{Facts, MembershipSetup, Progress};
pub use replace::{Evidence, StillInUse, WhyInUse, judge};
pub use step::{Event, Request, Step, StepError};

use self::context::{FreshEvidence, StepContext};
use self::observations::{
    ERROR_RETRY_DELAY, JUDGEMENT_RETRY_DELAY, Observations, Subject, VisitResult,
};
use self::removal_queue::RemovalQueue;
use crate::base::Incarnation;
use crate::catalog::Pending;
use crate::cluster::refusal::{NotYet, Refusal};

use crate::wire::identity::JOINING_LEVEL;
use crate::wire::version::BUDGET_LEVEL;

/// Time until the facts are evaluated again while a node waits. Replication makes no events.
const WAITING_CHECK_INTERVAL: Duration = Duration::from_millis(500);
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(10);

type DueStep = (Subject, Step);
type Rule = fn(&mut Membership, &StepContext<'_>) -> Option<DueStep>;

/// Membership task of one leadership. See the module.
pub struct Membership {
    setup: MembershipSetup,
    observations: Observations,
    removals: RemovalQueue,
    /// Subject of the step in flight.
    doing: Option<Subject>,
    /// Another node leads: nothing more is done here.
    over: bool,
    /// Reasons why the last judgement did not let a pending replace the old member.
    judged: BTreeMap<Incarnation, String>,
    states: BTreeMap<Incarnation, String>,
    alarms: Vec<Alarm>,
    is_joint: bool,
}

impl Membership {
    /// A new task, for each leadership. It remembers nothing of an earlier leadership.
    pub fn new(setup: MembershipSetup) -> Self {
        Self {
            setup,
            observations: Observations::default(),
            removals: RemovalQueue::default(),
            doing: None,
            over: false,
            judged: BTreeMap::new(),
            states: BTreeMap::new(),
            alarms: Vec::new(),
            is_joint: false,
        }
    }

    /// Takes one event and returns the next step: `None` while a step is in flight, or if nothing
    /// is due.
    pub fn handle(&mut self, now: Duration, facts: &Facts, event: Event) -> Option<Step> {
        self.observations.note(now, facts);
        let fresh = self.take(now, facts, event);
        self.answer_late(now, facts);
        if self.doing.is_some() || self.over || facts.catalog.cluster.is_none() {
            return None;
        }
        let (subject, step) = self.next(&StepContext { now, facts, fresh })?;
        self.doing = Some(subject);
        Some(step)
    }

    /// Latest time for the next [`Event::Tick`].
    pub fn wake_at(&self, now: Duration) -> Duration {
        let is_waiting = !self.states.is_empty() || self.is_joint || !self.removals.is_idle();
        let pace = if is_waiting && !self.over {
            WAITING_CHECK_INTERVAL
        } else {
            IDLE_CHECK_INTERVAL
        };
        let ends = self
            .observations
            .next_pause_end(now)
            .into_iter()
            .chain(self.removals.next_deadline());
        ends.fold(now + pace, Duration::min)
    }

    /// Removals that ended since the last call, by the number of the request.
    pub fn answered(&mut self) -> Vec<(u64, Result<(), Refusal>)> {
        std::mem::take(&mut self.removals.ended)
    }

    /// Reason why this pending or learner waits, in one sentence.
    pub fn state(&self, incarnation: Incarnation) -> Option<String> {
        self.states.get(&incarnation).cloned()
    }

    /// Returns contradictions that an operator must look at.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.alarms.clone()
    }

    /// First rule that is due, in the order of founding.md 7.6: half-done work first, then new
    /// work.
    fn next(&mut self, context: &StepContext<'_>) -> Option<DueStep> {
        let facts = context.facts;
        // A learner that is to stay one waits for nothing.
        let is_waiting = |incarnation: &Incarnation| {
            facts.catalog.pendings.contains_key(incarnation)
                || context
                    .learner_members()
                    .any(|node| node.voter && node.incarnation == *incarnation)
        };
        self.states.retain(|incarnation, _| is_waiting(incarnation));
        self.judged
            .retain(|incarnation, _| facts.catalog.pendings.contains_key(incarnation));
        self.alarms = self.watch(context);
        self.is_joint = facts.outgoing.is_some();
        if self.is_joint {
            // Nothing else happens before the joint change has ended: the catalog's meta nodes
            // follow a membership that is not joint.
            let waits = format!(
                "waiting for a majority: {}",
                facts.answering_text(&self.setup)
            );
            facts
                .catalog
                .pendings
                .values()
                .for_each(|pending| self.say(pending, &waits));
            return self.end_joint(context);
        }
        let knows_joining = context.level() >= JOINING_LEVEL;
        let rules: [(bool, Rule); 9] = [
            (knows_joining, Self::add_voters),
            (knows_joining, Self::remove_gone),
            (true, Self::remove_strays),
            (true, Self::raise_level),
            (context.level() >= BUDGET_LEVEL, Self::require_secret),
            (true, Self::serve_removals),
            (knows_joining, Self::serve_pendings),
            (knows_joining, Self::promote),
            (knows_joining, Self::remove_unseen),
        ];
        rules
            .into_iter()
            .filter(|(is_on, _)| *is_on)
            .find_map(|(_, rule)| rule(self, context))
    }

    /// Applies an event, and returns the evidence that it brought.
    fn take(&mut self, now: Duration, facts: &Facts, event: Event) -> Option<FreshEvidence> {
        match event {
            Event::Tick => None,
            Event::Remove(request) => {
                self.removals.ask(now, request);
                None
            }
            Event::Done(result) => {
                let subject = self.doing.take()?;
                if let Err(error) = result {
                    self.failed(now, facts, subject, &error);
                }
                None
            }
            Event::Visited {
                incarnation,
                answers,
            } => {
                self.doing
                    .take_if(|doing| *doing == Subject::Pending(incarnation))?;
                let pending = facts.catalog.pendings.get(&incarnation)?;
                let visit = VisitResult::of(pending, facts, &answers);
                let is_ready = visit == VisitResult::Ready;
                self.observations.visited(now, pending, visit);
                is_ready.then_some(FreshEvidence::Ready(incarnation))
            }
            Event::Inquired(evidence) => {
                self.doing
                    .take_if(|doing| *doing == Subject::Pending(evidence.newcomer))?;
                self.inquired(now, facts, &evidence)
            }
        }
    }

    /// Judges at once, on facts as new as the evidence.
    fn inquired(
        &mut self,
        now: Duration,
        facts: &Facts,
        evidence: &Evidence,
    ) -> Option<FreshEvidence> {
        let newcomer = evidence.newcomer;
        let pending = facts.catalog.pendings.get(&newcomer)?;
        match judge(&self.setup, facts, pending, evidence) {
            Ok(()) => {
                self.judged.remove(&newcomer);
                Some(FreshEvidence::Gone {
                    newcomer,
                    old: evidence.old,
                })
            }
            Err(still) => {
                self.judged.insert(newcomer, still.to_string());
                self.observations
                    .pause(Subject::Pending(newcomer), now + JUDGEMENT_RETRY_DELAY);
                None
            }
        }
    }

    fn failed(&mut self, now: Duration, facts: &Facts, subject: Subject, error: &StepError) {
        self.observations.pause(subject, now + ERROR_RETRY_DELAY);
        if let Subject::Removal(number) = subject {
            self.removal_failed(facts, number, error);
        }
        if *error == StepError::NotLeader {
            self.over = true;
            self.removals.end_all(&NotYet::AnotherLeads);
        }
    }

    fn say(&mut self, pending: &Pending, text: &str) {
        self.states.insert(pending.incarnation, text.to_owned());
    }
}
