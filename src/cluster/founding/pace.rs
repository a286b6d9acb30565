//! When the next poll of one peer is due (founding.md 3, pace), and that only one is in flight
//! (rule 3.1).

use std::time::Duration;

/// The first delay: nodes that start together see each other within a few of these.
const FIRST_INTERVAL: Duration = Duration::from_millis(100);
/// Doubled up to this during the first minute: somebody is watching then.
const MAX_EARLY_INTERVAL: Duration = Duration::from_secs(2);
const EARLY_PERIOD: Duration = Duration::from_secs(60);
/// Later nobody is; what changes is hinted.
const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// A member asks who is silent or a stranger so often: a fresh node founds after a second of quiet
/// and must have heard of the cluster by then.
const NOT_MEMBER_INTERVAL: Duration = Duration::from_millis(300);
/// A node without a leader asks those that answer as often as that: it may be the only one that
/// knows.
const LEADERLESS_INTERVAL: Duration = Duration::from_secs(1);
/// Members ask each other so often (at most a second apart): who is to be replaced must have been
/// silent for two seconds to all that can speak.
const MEMBER_INTERVAL: Duration = Duration::from_millis(800);
/// No peer is asked more often, whatever is hinted: two nodes must not hint each other into a
/// storm.
const MIN_INTERVAL: Duration = Duration::from_millis(50);

/// What sets the pace of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollKind {
    /// This node is not in a cluster yet.
    Founding,
    /// It is, and this peer does not answer as a part of it.
    NotMember,
    /// It is, has no leader, and the peer answers.
    Leaderless,
    /// A member as this node is one.
    Member,
    /// Nothing is expected of it.
    Settled,
}

/// The polls of one peer. Times count from the start of the process.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// The number of the poll in flight.
    in_flight: Option<u64>,
    /// Asked for while one was in flight.
    again: bool,
    last: Option<Duration>,
    due: Duration,
    /// Polls since something changed there, and when that was.
    tries: u32,
    since: Duration,
}

impl Pace {
    /// Due at once.
    pub(super) fn new(now: Duration) -> Self {
        Self {
            in_flight: None,
            again: false,
            last: None,
            due: now,
            tries: 0,
            since: now,
        }
    }

    /// Something changed here or there: poll at once, and quickly for a while.
    pub(super) fn poll_now(&mut self, now: Duration) {
        self.tries = 0;
        self.since = now;
        self.again = self.in_flight.is_some();
        self.due = self.due.min(self.earliest(now));
    }

    /// When to look again; `None` while a poll is in flight.
    pub(super) fn due(&self) -> Option<Duration> {
        if self.in_flight.is_some() {
            None
        } else {
            Some(self.due)
        }
    }

    pub(super) fn start(&mut self, now: Duration, number: u64) {
        self.in_flight = Some(number);
        self.last = Some(now);
        self.again = false;
    }

    /// A late answer to an abandoned poll is not the one in flight.
    pub(super) fn is_in_flight(&self, number: u64) -> bool {
        self.in_flight == Some(number)
    }

    /// The poll in flight ended.
    pub(super) fn finish(&mut self, now: Duration, kind: PollKind, jitter: u64) {
        self.in_flight = None;
        self.due = if self.again {
            self.earliest(now)
        } else {
            now + self.delay(now, kind, jitter)
        };
        self.tries = self.tries.saturating_add(1);
    }

    fn earliest(&self, now: Duration) -> Duration {
        self.last.map_or(now, |last| now.max(last + MIN_INTERVAL))
    }

    fn delay(&self, now: Duration, kind: PollKind, jitter: u64) -> Duration {
        let delay = match kind {
            PollKind::Founding if now.saturating_sub(self.since) < EARLY_PERIOD => {
                MAX_EARLY_INTERVAL.min(FIRST_INTERVAL * 2_u32.saturating_pow(self.tries.min(10)))
            }
            PollKind::Founding | PollKind::Settled => MAX_INTERVAL,
            PollKind::NotMember => NOT_MEMBER_INTERVAL,
            PollKind::Member => MEMBER_INTERVAL,
            PollKind::Leaderless => LEADERLESS_INTERVAL,
        };
        // A quarter up or down, so that nodes that started together do not ask in step for ever.
        delay.mul_f64(0.75 + (jitter % 1024) as f64 / 2048.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn polls_slow_down_from_100_ms_over_2_s_to_10_s() {
        let (mut pace, mut now, mut delays) = (Pace::new(MS(0)), MS(0), Vec::new());
        while now < Duration::from_secs(90) {
            pace.start(now, 1);
            assert_eq!(pace.due(), None, "one in flight");
            pace.finish(now, PollKind::Founding, 512);
            let next = pace.due().expect("due");
            delays.push(next - now);
            now = next;
        }
        assert_eq!(
            delays[..6],
            [MS(100), MS(200), MS(400), MS(800), MS(1600), MS(2000)]
        );
        assert_eq!(delays.last(), Some(&MAX_INTERVAL));
    }

    #[test]
    fn a_hint_polls_at_once_but_never_in_a_storm() {
        let mut pace = Pace::new(MS(0));
        pace.start(MS(0), 1);
        pace.poll_now(MS(1));
        pace.finish(MS(2), PollKind::Founding, 0);
        assert_eq!(
            pace.due(),
            Some(MIN_INTERVAL),
            "hinted while in flight: again, after the gap"
        );
        pace.start(MS(50), 2);
        pace.finish(MS(60), PollKind::Founding, 512);
        pace.poll_now(MS(500));
        assert_eq!(pace.due(), Some(MS(260)), "due already: not put off");
    }

    #[test]
    fn an_abandoned_poll_counts_for_nothing() {
        let mut pace = Pace::new(MS(0));
        pace.start(MS(0), 1);
        assert!(pace.is_in_flight(1));
        assert!(!pace.is_in_flight(7), "of before a restart, or abandoned");
    }
}
