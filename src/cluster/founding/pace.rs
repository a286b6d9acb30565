//! Time of the next poll of one peer (founding.md 3.7). Only one poll is in flight for each address
//! (founding.md 3.1).

use std::time::Duration;

/// First delay. Nodes that start together see each other within a few of these.
const FIRST_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum delay during [`EARLY_PERIOD`], reached by doubling: an operator is likely to watch then.
const MAX_EARLY_INTERVAL: Duration = Duration::from_secs(2);
const EARLY_PERIOD: Duration = Duration::from_secs(60);
/// Delay after [`EARLY_PERIOD`]. Changes are hinted, so polls need not be frequent.
const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// Delay of a member's polls of an address that is silent or does not answer as a part of the
/// cluster. A fresh node founds after 1 s of quiet time and must have heard of the cluster by then.
const NOT_MEMBER_INTERVAL: Duration = Duration::from_millis(300);
/// Delay of a leaderless node's polls of members that answer: it may be the only node that knows.
const LEADERLESS_INTERVAL: Duration = Duration::from_secs(1);
/// Delay between polls of members by each other, at most 1 s with jitter. A member that is replaced
/// must have been silent for 2 s to every member that can speak.
const MEMBER_INTERVAL: Duration = Duration::from_millis(800);
/// Minimum time between two polls of one address, whatever is hinted. Without it two nodes could
/// hint each other into a storm of polls.
const MIN_INTERVAL: Duration = Duration::from_millis(50);

/// Kind of peer that sets the pace of its polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollKind {
    /// This node is in no cluster yet.
    Founding,
    /// This node is in a cluster, and the peer does not answer as a part of it.
    NotMember,
    /// This node is in a cluster without a known leader, and the peer answers as a part of the
    /// cluster.
    Leaderless,
    /// This node and the peer are in one cluster with a known leader and at most 9 members.
    Member,
    /// Same as `Member`, in a cluster with more than 9 members.
    Settled,
}

/// Schedule of one peer's polls. Times count from the start of the process.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Number of the poll in flight.
    in_flight: Option<u64>,
    /// A poll was asked for while one was in flight.
    again: bool,
    last: Option<Duration>,
    due: Duration,
    /// Polls since the last change here or at the peer, and the time of that change (`since`).
    tries: u32,
    since: Duration,
}

impl Pace {
    /// A schedule whose first poll is due at once.
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

    /// Makes a poll due at once after a change here or there, and starts again with short delays.
    pub(super) fn poll_now(&mut self, now: Duration) {
        self.tries = 0;
        self.since = now;
        self.again = self.in_flight.is_some();
        self.due = self.due.min(self.earliest(now));
    }

    /// Time of the next poll; `None` while a poll is in flight.
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

    /// Whether this poll is the one in flight. A late answer to an abandoned poll is not.
    pub(super) fn is_in_flight(&self, number: u64) -> bool {
        self.in_flight == Some(number)
    }

    /// Ends the poll in flight and sets the time of the next one.
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
        // Jitter of a quarter up or down, so that nodes that started together do not keep polling
        // in step.
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
