//! Detection of copies: two processes that run with one incarnation at the same time
//! (founding.md 3.8).
//!
//! Each process has a random id that is never on disk, and shows it in its identity. Only answers to
//! polls count: such an answer was made after the poll began, and can be no recording.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Founding;
use crate::base::{Address, Incarnation, ProcessId};
use crate::cluster::peers::exchange::PollError;
use crate::wire::identity::{Identity, Process};

/// Time after its last answer for which a process is remembered. Longer than the longest interval
/// between two polls of a member, 12.5 s, and the time of a poll.
const SIGHTING_LIFETIME: Duration = Duration::from_secs(15);

/// Time for which two processes must both have answered before they count as running at the same
/// time. An answer of a process that has ended since may arrive late, at most by the time of a
/// poll, 2 s.
const MIN_OVERLAP: Duration = Duration::from_secs(3);

/// Largest difference between two ages that counts as none. The age of the other process is as of
/// its answer, which is a poll's round trip old.
const AGE_TOLERANCE_MS: u64 = 500;

/// Maximum number of processes that are remembered, more than any cluster has. Without a secret
/// anyone can claim to be any number of members.
const MAX_SIGHTINGS: usize = 256;

/// An incarnation with which more than one process runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    pub incarnation: Incarnation,
    /// Whether one of the processes is this one.
    pub is_own: bool,
    /// Polled addresses at which the processes answered; without this process.
    pub at: Vec<Address>,
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: Vec<String> = self.at.iter().map(ToString::to_string).collect();
        let at = at.join(" and ");
        let incarnation = self.incarnation;
        if self.is_own {
            write!(
                f,
                "another process runs with a copy of this node's volume (incarnation \
                 {incarnation}) and answers at {at}: stop the copy and delete its volume"
            )
        } else {
            write!(
                f,
                "two processes run with copies of one volume (incarnation {incarnation}) and \
                 answer at {at}: stop the copy and delete its volume"
            )
        }
    }
}

/// A process that claims an incarnation.
#[derive(Clone, Copy, Debug)]
struct Running {
    process: Process,
    /// Number of starts of its volume.
    start_counter: u64,
}

impl Running {
    fn of(identity: &Identity) -> Option<Self> {
        let start_counter = identity.starts.counter;
        identity.process.map(|process| Self {
            process,
            start_counter,
        })
    }
}

/// A process that answered.
#[derive(Clone, Debug)]
struct Sighting {
    at: Address,
    /// As of the last answer.
    running: Running,
    first: Duration,
    last: Duration,
}

/// Processes that answered lately, by incarnation and id.
#[derive(Debug)]
pub(super) struct Twins {
    own: (Incarnation, ProcessId),
    seen: BTreeMap<(Incarnation, ProcessId), Sighting>,
}

impl Twins {
    pub(super) fn new(incarnation: Incarnation, process: ProcessId) -> Self {
        Self {
            own: (incarnation, process),
            seen: BTreeMap::new(),
        }
    }

    /// Begins anew when this node has become another incarnation.
    pub(super) fn set_own(&mut self, incarnation: Incarnation) {
        self.own.0 = incarnation;
    }

    /// Takes an answer to a poll of `at`. An older version names no process: then nothing is known.
    pub(super) fn see(&mut self, now: Duration, at: &Address, theirs: &Identity) {
        self.seen
            .retain(|_, sighting| now.saturating_sub(sighting.last) < SIGHTING_LIFETIME);
        let Some(running) = Running::of(theirs) else {
            return;
        };
        let key = (theirs.incarnation, running.process.id);
        if key == self.own {
            return;
        }
        if let Some(known) = self.seen.get_mut(&key) {
            known.at = at.clone();
            known.running = running;
            known.last = now;
            return;
        }
        if self.seen.len() < MAX_SIGHTINGS {
            let sighting = Sighting {
                at: at.clone(),
                running,
                first: now,
                last: now,
            };
            self.seen.insert(key, sighting);
        }
    }

    /// Other processes that run with this node's incarnation. One answer is enough: this process
    /// asked, so both lived at that moment.
    fn of_this_node(&self, now: Duration) -> impl Iterator<Item = (&Address, Running)> + use<'_> {
        let own = self.own.0;
        self.fresh(now)
            .filter(move |(incarnation, _)| *incarnation == own)
            .map(|(_, sighting)| (&sighting.at, sighting.running))
    }

    /// All incarnations with which more than one process runs.
    pub(super) fn all(&self, now: Duration) -> Vec<Twin> {
        let mut processes: BTreeMap<Incarnation, Vec<&Sighting>> = BTreeMap::new();
        for (incarnation, sighting) in self.fresh(now) {
            processes.entry(incarnation).or_default().push(sighting);
        }
        let own = self.own.0;
        processes.retain(|incarnation, seen| *incarnation == own || overlap(seen));
        let twin = |(incarnation, seen): (Incarnation, Vec<&Sighting>)| {
            let mut at: Vec<Address> = seen.iter().map(|sighting| sighting.at.clone()).collect();
            at.sort();
            at.dedup();
            Twin {
                incarnation,
                is_own: incarnation == own,
                at,
            }
        };
        processes.into_iter().map(twin).collect()
    }

    fn fresh(&self, now: Duration) -> impl Iterator<Item = (Incarnation, &Sighting)> {
        self.seen
            .iter()
            .filter(move |(_, sighting)| now.saturating_sub(sighting.last) < SIGHTING_LIFETIME)
            .map(|((incarnation, _), sighting)| (*incarnation, sighting))
    }
}

/// Returns whether two of these processes answered during a common time. A restart is no such case:
/// the old process does not answer any more when the new one begins to.
fn overlap(seen: &[&Sighting]) -> bool {
    seen.iter().enumerate().any(|(n, one)| {
        seen[n + 1..].iter().any(|other| {
            let from = one.first.max(other.first);
            one.last.min(other.last).saturating_sub(from) >= MIN_OVERLAP
        })
    })
}

/// Returns whether, of two processes on copies of one volume, `ours` is the one that must not speak
/// Raft: the one that opened Raft later, or has not. Without a difference in time, the one whose
/// volume was started more often: a copy of a running node has one more start than the node. Then
/// the one with the higher id.
fn must_yield(ours: Running, theirs: Running) -> bool {
    let rank = |of: Running| (of.start_counter, of.process.id);
    match (ours.process.raft_open_ms, theirs.process.raft_open_ms) {
        (Some(ours), Some(theirs)) if ours.abs_diff(theirs) > AGE_TOLERANCE_MS => ours < theirs,
        (None, Some(_)) => true,
        (Some(_), None) => false,
        (None, None) | (Some(_), Some(_)) => rank(ours) > rank(theirs),
    }
}

/// Returns whether these identities of one incarnation may be of one process. An older version does
/// not say which one it is.
pub(super) fn may_be_one_process(one: &Identity, other: &Identity) -> bool {
    let differ =
        matches!((one.process, other.process), (Some(one), Some(other)) if one.id != other.id);
    one.incarnation == other.incarnation && !differ
}

impl Founding {
    /// Whether this identity is that of this process, as far as it says.
    pub(super) fn is_this_process(&self, theirs: &Identity) -> bool {
        may_be_one_process(&self.shown, theirs)
    }

    /// Takes the processes that answered a poll. Only members of this node's cluster count, and
    /// nodes with its incarnation. If this node has a secret, only answers that prove it do.
    pub(super) fn note_processes(
        &mut self,
        now: Duration,
        at: &Address,
        results: &[Result<Identity, PollError>],
    ) {
        let cluster_id = self.record.seat().map(|seat| seat.cluster_id);
        for theirs in results.iter().flatten() {
            let is_mine = theirs.incarnation == self.record.incarnation;
            let is_member = cluster_id.is_some() && theirs.cluster_id == cluster_id;
            // The exchange has checked the proof of an answer that claims to have the secret.
            let is_believed = theirs.with_secret || !self.setup.with_secret;
            if (is_mine || is_member) && is_believed {
                self.twins.see(now, at, theirs);
            }
        }
    }

    /// Whether the address under which this node founded was polled in this life of the process. A
    /// copy of the volume, at another address, would have found the original there.
    pub fn has_polled_its_address(&self) -> bool {
        let mine = self
            .record
            .origin()
            .and_then(|origin| self.founded_as(origin));
        let polled = |at: Address| {
            let peer = self.peers.get(&at);
            peer.is_none_or(|peer| peer.node().is_some() || peer.failure().is_some())
        };
        mine.is_none_or(polled)
    }

    /// Address of another process that runs with this node's incarnation and goes on, if this one
    /// must not speak Raft because of it (founding.md 3.8). `ours` is what this one shows now.
    pub fn yields_to(&self, now: Duration, ours: &Identity) -> Option<Address> {
        let ours = Running::of(ours)?;
        let mut others = self.twins.of_this_node(now);
        let other = others.find(|(_, theirs)| must_yield(ours, *theirs));
        other.map(|(at, _)| at.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::founding::FoundingSetup;
    use crate::cluster::founding::shown::blank;

    const ME: Incarnation = Incarnation([1; 16]);
    const OTHER: Incarnation = Incarnation([2; 16]);

    fn process(id: u8, raft_open_ms: Option<u64>) -> Process {
        Process {
            id: ProcessId([id; 8]),
            raft_open_ms,
        }
    }

    fn identity(incarnation: Incarnation, process: Option<Process>) -> Identity {
        let setup = FoundingSetup {
            peers: Vec::new(),
            expect: 0,
            alone: false,
            ordered: false,
            cluster_name: String::new(),
            version: String::new(),
            named: None,
            host_name: Address::new("host", 8091),
            raft_port: 8089,
            with_secret: false,
            process: ProcessId([0; 8]),
            seed: 1,
        };
        Identity {
            process,
            ..blank(&setup, incarnation)
        }
    }

    /// Tells what two processes answer, each at an address of its own: (second, incarnation, id).
    fn after(answers: &[(u64, Incarnation, u8)]) -> Twins {
        let mut twins = Twins::new(ME, ProcessId([0; 8]));
        for (second, incarnation, id) in answers {
            let at = Address::new(&format!("host-{id}"), 8091);
            let theirs = identity(*incarnation, Some(process(*id, None)));
            twins.see(Duration::from_secs(*second), &at, &theirs);
        }
        twins
    }

    fn raised(twins: &Twins, second: u64) -> Vec<(Incarnation, bool)> {
        let all = twins.all(Duration::from_secs(second)).into_iter();
        all.map(|twin| (twin.incarnation, twin.is_own)).collect()
    }

    #[test]
    fn two_processes_that_answer_for_three_seconds_are_twins_until_one_is_silent() {
        let mut answers: Vec<_> = (0..10).map(|second| (second, OTHER, 1)).collect();
        answers.extend([(7, OTHER, 2), (8, OTHER, 2)]);
        answers.sort_by_key(|(second, ..)| *second);
        assert!(
            raised(&after(&answers), 9).is_empty(),
            "for one second only"
        );
        answers.extend([(10, OTHER, 1), (10, OTHER, 2)]);
        let twins = after(&answers);
        assert_eq!(raised(&twins, 10), [(OTHER, false)]);
        assert_eq!(twins.all(Duration::from_secs(10))[0].at.len(), 2);
        assert_eq!(raised(&twins, 24), [(OTHER, false)]);
        answers.extend((11..26).map(|second| (second, OTHER, 1)));
        assert!(raised(&after(&answers), 25).is_empty(), "the copy is gone");
    }

    /// An answer of the old process may arrive when the new one has answered already.
    #[test]
    fn restarts_are_no_twins() {
        let answers: Vec<_> = (0..20)
            .flat_map(|second| {
                let id = 1 + second as u8 / 4;
                [(second, OTHER, id), (second + 1, OTHER, id)]
            })
            .collect();
        assert!(raised(&after(&answers), 20).is_empty());
    }

    #[test]
    fn one_answer_with_the_own_incarnation_is_enough_and_the_own_process_is_none() {
        assert_eq!(raised(&after(&[(5, ME, 1)]), 5), [(ME, true)]);
        assert!(raised(&after(&[(5, ME, 1)]), 20).is_empty());
        assert!(raised(&after(&[(5, ME, 0)]), 5).is_empty());
    }

    /// An older version does not name its process.
    #[test]
    fn what_is_not_known_is_no_twin() {
        let mut twins = Twins::new(ME, ProcessId([0; 8]));
        let at = Address::new("host", 8091);
        twins.see(Duration::ZERO, &at, &identity(ME, None));
        assert!(raised(&twins, 0).is_empty());
        let (unknown, known) = (identity(ME, None), identity(ME, Some(process(1, None))));
        assert!(may_be_one_process(&unknown, &known) && may_be_one_process(&known, &unknown));
    }

    #[test]
    fn of_two_processes_exactly_one_yields_the_later_one() {
        let running = |id, raft_open_ms, start_counter| Running {
            process: process(id, raft_open_ms),
            start_counter,
        };
        let ages = [None, Some(0), Some(400), Some(60_000)];
        for ours in ages {
            for theirs in ages {
                let (low, high) = (running(1, ours, 5), running(2, theirs, 5));
                assert_ne!(
                    must_yield(low, high),
                    must_yield(high, low),
                    "{ours:?} {theirs:?}"
                );
            }
        }
        let original = running(2, Some(60_000), 5);
        assert!(must_yield(running(1, None, 5), original));
        assert!(must_yield(running(1, Some(10), 6), original));
        assert!(!must_yield(original, running(1, Some(10), 6)));
        // Copied and started within half a second.
        let original = running(2, Some(400), 5);
        assert!(must_yield(running(1, Some(10), 6), original));
        assert!(!must_yield(original, running(1, Some(10), 6)));
    }
}
