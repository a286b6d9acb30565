//! The leader's one membership task: what it does next (founding.md 6 and 7), without IO.
//!
//! Owns: the order in which joins, replacements, removals and what was left half done become steps; one step is in
//! flight at a time. Never: a clock, a socket, randomness, openraft. It trusts only what the facts show: what a
//! step really did, after an error above all, the next facts tell.
//! Run by `task`, and by the seeded schedules of `tests/it/membership` with the same events.

mod facts;
mod found;
mod replace;
mod step;
mod steps;
mod task;

use std::time::Duration;

pub use facts::{Facts, Progress, Setup};
pub use replace::{Evidence, StillInUse, WhyInUse, judge};
pub use step::{Event, Request, Step, StepError};
pub(super) use task::{Leading, facts, lead, setup};

use super::Refusal;
use crate::base::Incarnation;

/// One leadership's membership task. See the module.
pub struct Membership {
    setup: Setup,
}

impl Membership {
    /// At the begin of each leadership: time counts from here.
    pub fn new(setup: Setup) -> Self {
        Self { setup }
    }

    /// Takes one event and says what to do next: nothing while a step is in flight, or when nothing is due.
    pub fn handle(&mut self, _now: Duration, _facts: &Facts, _event: Event) -> Option<Step> {
        None
    }

    /// When [`Event::Looked`] is wanted at the latest.
    pub fn wake_at(&self, now: Duration) -> Duration {
        now + self.setup.silence
    }

    /// Removals that ended since the last call, by the number of the request.
    pub fn answered(&mut self) -> Vec<(u64, Result<(), Refusal>)> {
        Vec::new()
    }

    /// One sentence on a pending or a learner that waits: what for.
    pub fn state(&self, _incarnation: Incarnation) -> Option<String> {
        None
    }

    /// What a person must look at.
    pub fn alarms(&self) -> Vec<String> {
        Vec::new()
    }
}
