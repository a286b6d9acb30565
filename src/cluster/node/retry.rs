//! Schedule of this node's requests to its cluster. One request is in flight. A target that fails
//! is followed by the next one. Requests follow soon after an answer that changes something, and
//! slow down while nothing changes. Like founding, without IO.

use std::time::Duration;

use crate::base::{Address, Incarnation};

/// An address to ask and, where it is known, the incarnation that is meant there.
pub(super) type Target = (Address, Option<Incarnation>);

const FIRST_DELAY: Duration = Duration::from_millis(200);
const MAX_DELAY: Duration = Duration::from_secs(2);
/// Duration of a series of refusals after which this node counts as blocked. A wiped node is
/// refused until its former incarnation has been silent for two seconds; no operator is needed for
/// that.
const BLOCKED_AFTER: Duration = Duration::from_secs(5);
/// Maximum delay after a refusal, as long as this node does not count as blocked.
const REFUSED_DELAY: Duration = Duration::from_millis(300);

#[derive(Default)]
pub(super) struct RetrySchedule {
    in_flight: bool,
    due: Duration,
    tries: u32,
    turn: usize,
    /// The last answer, for operators.
    last_answer: Option<String>,
    /// Time at which a series of refusals began that only an operator, or time, can end.
    refused_since: Option<Duration>,
}

impl RetrySchedule {
    /// Returns the target to ask now, and counts the request as in flight.
    pub(super) fn next(&mut self, now: Duration, targets: &[Target]) -> Option<Target> {
        if self.in_flight || now < self.due || targets.is_empty() {
            return None;
        }
        self.in_flight = true;
        Some(targets[self.turn % targets.len()].clone())
    }

    pub(super) fn wake_at(&self) -> Option<Duration> {
        (!self.in_flight).then_some(self.due)
    }

    /// The answer changed something: the next request is due at once.
    pub(super) fn settled(&mut self, now: Duration, answer: Option<String>) {
        *self = Self {
            due: now,
            last_answer: answer,
            turn: self.turn,
            ..Self::default()
        };
    }

    /// The answer changes nothing. The same target is asked again.
    pub(super) fn answered(&mut self, now: Duration, answer: String) {
        self.wait(now);
        self.last_answer = Some(answer);
        self.refused_since = None;
    }

    /// A refusal that every member of the cluster would give. The next target is asked anyway: the
    /// cause may be gone by then, and the refusing target may be in another cluster.
    pub(super) fn refused(&mut self, now: Duration, answer: String) {
        let since = self.refused_since.unwrap_or(now);
        self.failed(now, answer);
        self.refused_since = Some(since);
        if !self.is_blocked(now) {
            self.due = self.due.min(now + REFUSED_DELAY);
        }
    }

    /// No answer, or none that helps. The next target is asked.
    pub(super) fn failed(&mut self, now: Duration, answer: String) {
        self.turn = self.turn.wrapping_add(1);
        self.answered(now, answer);
    }

    /// Another request begins: earlier answers do not count for it.
    pub(super) fn forget(&mut self) {
        self.last_answer = None;
        self.refused_since = None;
        self.tries = 0;
    }

    pub(super) fn last_answer(&self) -> Option<&str> {
        self.last_answer.as_deref()
    }

    pub(super) fn is_blocked(&self, now: Duration) -> bool {
        self.refused_since
            .is_some_and(|since| now.saturating_sub(since) >= BLOCKED_AFTER)
    }

    fn wait(&mut self, now: Duration) {
        self.in_flight = false;
        self.due = now + MAX_DELAY.min(FIRST_DELAY * 2_u32.saturating_pow(self.tries.min(8)));
        self.tries = self.tries.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Vec<Target> {
        ["a", "b"]
            .map(|host| (Address::new(host, 8091), None))
            .to_vec()
    }

    #[test]
    fn one_question_is_in_flight_and_a_silent_target_is_left() {
        let (mut retry, now) = (RetrySchedule::default(), Duration::from_secs(1));
        assert_eq!(retry.next(now, &[]), None);
        assert_eq!(retry.next(now, &targets()).expect("due").0.host(), "a");
        assert_eq!(retry.next(now, &targets()), None, "one is in flight");
        retry.failed(now, "connection refused".to_owned());
        assert_eq!(retry.next(now, &targets()), None, "not yet");
        let later = retry.wake_at().expect("idle");
        assert_eq!(retry.next(later, &targets()).expect("due").0.host(), "b");
        retry.answered(later, "not yet".to_owned());
        let later = retry.wake_at().expect("idle");
        assert_eq!(
            retry.next(later, &targets()).expect("due").0.host(),
            "b",
            "a target that answers is asked again"
        );
    }

    #[test]
    fn it_slows_down_to_two_seconds() {
        let (mut retry, mut now) = (RetrySchedule::default(), Duration::ZERO);
        for _ in 0..20 {
            retry.next(now, &targets()).expect("due");
            retry.failed(now, String::new());
            let due = retry.wake_at().expect("idle");
            assert!(due > now && due - now <= MAX_DELAY);
            now = due;
        }
        retry.next(now, &targets()).expect("due");
        retry.failed(now, String::new());
        assert_eq!(retry.wake_at(), Some(now + MAX_DELAY));
    }
}
