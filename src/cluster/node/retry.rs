//! Whom to ask next, and when: one request in flight, the doors in turn, soon again after an answer
//! that changes something and slower while nothing does. Sans IO, as founding is.

use std::time::Duration;

use crate::base::{Address, Incarnation};

/// Where to ask: an address, and who is meant there, where that is known.
pub(super) type Target = (Address, Option<Incarnation>);

const FIRST_DELAY: Duration = Duration::from_millis(200);
const MAX_DELAY: Duration = Duration::from_secs(2);
/// A wiped node is refused until its old self has been silent for two seconds: that needs nobody.
const BLOCKED_AFTER: Duration = Duration::from_secs(5);
/// Until then it is asked so often.
const REFUSED_DELAY: Duration = Duration::from_millis(300);

#[derive(Default)]
pub(super) struct RetrySchedule {
    in_flight: bool,
    due: Duration,
    tries: u32,
    turn: usize,
    /// What the last one said, for people.
    said: Option<String>,
    /// Since when it is a refusal that only a person, or time, can change.
    blocked: Option<Duration>,
}

impl RetrySchedule {
    /// The door to knock at now.
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

    /// Something was agreed on: the next question is due at once.
    pub(super) fn settled(&mut self, now: Duration, said: Option<String>) {
        *self = Self {
            due: now,
            said,
            turn: self.turn,
            ..Self::default()
        };
    }

    /// An answer that leaves things as they are. The one who gave it is asked again.
    pub(super) fn answered(&mut self, now: Duration, said: String) {
        self.wait(now);
        self.said = Some(said);
        self.blocked = None;
    }

    /// A refusal that is the same at every door of a cluster. It is asked on, at the next one: the
    /// cure is seen by it, and a door may have led to another cluster.
    pub(super) fn refused(&mut self, now: Duration, said: String) {
        let since = self.blocked.unwrap_or(now);
        self.failed(now, said);
        self.blocked = Some(since);
        if !self.is_blocked(now) {
            self.due = self.due.min(now + REFUSED_DELAY);
        }
    }

    /// No answer, or none that helps: the next door.
    pub(super) fn failed(&mut self, now: Duration, said: String) {
        self.turn = self.turn.wrapping_add(1);
        self.answered(now, said);
    }

    /// What is asked has changed: nothing that was said counts any more.
    pub(super) fn forget(&mut self) {
        self.said = None;
        self.blocked = None;
        self.tries = 0;
    }

    pub(super) fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }

    pub(super) fn is_blocked(&self, now: Duration) -> bool {
        self.blocked
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
    fn one_question_is_in_flight_and_a_silent_door_is_left() {
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
            "who answers is asked again"
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
