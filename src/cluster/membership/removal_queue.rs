//! The queue of removals that operators ask for.

use std::collections::VecDeque;
use std::time::Duration;

use crate::cluster::membership::step::{Request, StepError};

use crate::cluster::refusal::{NotYet, Refusal};

/// Time within which a removal is answered. An operator's client gives up after 10 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Default)]
pub(super) struct RemovalQueue {
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) ended: Vec<(u64, Result<(), Refusal>)>,
}

pub(super) struct Waiting {
    pub(super) request: Request,
    pub(super) asked: Duration,
    pub(super) until: Duration,
    /// Error of its last step.
    pub(super) error: Option<StepError>,
}

impl RemovalQueue {
    pub(super) fn ask(&mut self, now: Duration, request: Request) {
        self.waiting.push_back(Waiting {
            request,
            asked: now,
            until: now + ANSWER_TIMEOUT,
            error: None,
        });
    }

    pub(super) fn end(&mut self, number: u64, result: Result<(), Refusal>) {
        self.waiting
            .retain(|waiting| waiting.request.number != number);
        self.ended.push((number, result));
    }

    pub(super) fn end_all(&mut self, why: &NotYet) {
        for waiting in self.waiting.drain(..) {
            self.ended
                .push((waiting.request.number, Err(Refusal::NotYet(why.clone()))));
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.waiting.iter().map(|waiting| waiting.until).min()
    }
}
