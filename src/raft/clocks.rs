//! Wall clocks of the members, and the check that no command is stamped by a clock that is far
//! ahead. The catalog's time is the highest stamp and never goes back: one stamp of the year 2099
//! would stay for ever.
//!
//! Members show their clocks in each answer to an append request on 8089, and in each poll. A leader
//! is one because a majority answers it there, so it always gets to know the clocks of a majority;
//! until then it stamps nothing that is far ahead of the catalog. A stamp near the catalog's time
//! does no harm, whatever the clocks are.
//!
//! No safety of Raft depends on this. `cluster` reports what the members said in polls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use tokio::time::Instant;

use super::node::Inner;
use super::propose::ProposeError;
use super::{Raft, Role};
use crate::base::{Incarnation, RaftId, UnixNanos, rough};
use crate::machine::Refused;
use crate::runtime::lock;

/// Largest difference between two clocks that counts as none. Tokens have the same tolerance.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Time for which the clock of a member counts after its last answer. Members are polled about once
/// a second, and less often in clusters of more than nine.
const MEASURE_LIFETIME: Duration = Duration::from_secs(30);
/// Interval between two checks of whether the clocks of a majority are known.
const WAIT_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Interval between two checks of whether this leader must hand over.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A wrong clock, or a wrong time of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockFault {
    /// This node's clock is ahead of at least half of the clocks that are known: as leader it
    /// proposes nothing.
    Ahead { by: Duration },
    /// This node's clock is behind at least half of the clocks that are known. It may lead: the
    /// catalog's time does not go back.
    Behind { by: Duration },
    /// The catalog's time is ahead of most clocks: a command was stamped by a wrong one.
    CatalogAhead { time: UnixNanos },
}

/// Reasons why a leader does not set the catalog's time right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeRepairRefused {
    #[error("{}", Refused::TimeIsRight)]
    NothingToRepair,
    #[error(
        "the clock of the leader is {} behind other meta nodes: set it right first", rough(*by)
    )]
    ClockBehind { by: Duration },
    #[error("the clocks of most meta nodes are not known yet: try again")]
    ClocksUnknown,
}

/// Clocks of other members. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Clocks(Arc<Mutex<BTreeMap<Incarnation, Measured>>>);

#[derive(Clone, Copy)]
struct Measured {
    clock: UnixNanos,
    at: Instant,
}

impl Clocks {
    pub(super) fn note(&self, incarnation: Incarnation, clock: UnixNanos) {
        let at = Instant::now();
        let mut all = lock(&self.0);
        all.retain(|_, measured| measured.at.elapsed() < MEASURE_LIFETIME);
        all.insert(incarnation, Measured { clock, at });
    }

    /// Returns the present time of this member's clock. Its last answer is continued by monotonic
    /// time, so that a step of this node's own clock is noticed at once.
    fn now_at(&self, incarnation: Incarnation) -> Option<UnixNanos> {
        let measured = *lock(&self.0).get(&incarnation)?;
        let since = measured.at.elapsed();
        (since < MEASURE_LIFETIME).then(|| add(measured.clock, since))
    }
}

impl Raft {
    /// Takes what the clock of another member showed just now.
    pub fn note_clock(&self, incarnation: Incarnation, clock: UnixNanos) {
        self.inner.clocks.note(incarnation, clock);
    }

    /// Returns the faults of this node's clock and of the catalog's time.
    pub fn clock_faults(&self) -> Vec<ClockFault> {
        let now = self.inner.env.clock.now();
        let others = self.others();
        let clocks: Vec<UnixNanos> = others.iter().map(|(_, clock)| *clock).collect();
        judge(now, self.catalog_time(), &clocks)
    }

    /// Fails if a command that this node stamped would set the catalog's time far ahead.
    pub(super) fn check_stamp(&self, stamp: UnixNanos) -> Result<(), ProposeError> {
        let clocks: Vec<UnixNanos> = self.others().iter().map(|(_, clock)| *clock).collect();
        match ahead(stamp, self.catalog_time(), &clocks) {
            Some(by) => Err(ProposeError::ClockAhead {
                raft_id: self.inner.me.raft_id,
                by,
            }),
            None => Ok(()),
        }
    }

    /// Waits until the clocks of a majority are known, unless a command of this stamp moves the
    /// catalog's time on by a minute at most. A cluster of one voter has nothing to compare with.
    ///
    /// # Errors
    /// Another node leads, or the deadline has passed.
    pub(super) async fn wait_for_clocks(
        &self,
        stamp: UnixNanos,
        deadline: Instant,
    ) -> Result<(), ProposeError> {
        while since(self.catalog_time(), stamp) > CLOCK_TOLERANCE && !self.knows_clocks() {
            self.check_running()?;
            self.check_not_elsewhere()?;
            if Instant::now() >= deadline {
                return Err(ProposeError::NoLeader);
            }
            tokio::time::sleep(WAIT_POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Returns whether the clocks of a majority of the voters are known, this node's among them.
    fn knows_clocks(&self) -> bool {
        let voters = self.status().voters.len();
        voters < 2 * (self.others().len() + 1)
    }

    /// Checks that `RepairTime`, stamped by this leader, sets the catalog's time right.
    ///
    /// # Errors
    /// The catalog's time is right, or this node's clock is not, or nobody knows.
    pub fn check_time_repair(&self) -> Result<(), TimeRepairRefused> {
        if !self.knows_clocks() {
            return Err(TimeRepairRefused::ClocksUnknown);
        }
        let faults = self.clock_faults();
        // A right catalog would be set back with its deletions, and they would be forgotten before
        // all data nodes have heard of them.
        let behind = faults.iter().find_map(|fault| match fault {
            ClockFault::Behind { by } => Some(*by),
            ClockFault::Ahead { .. } | ClockFault::CatalogAhead { .. } => None,
        });
        if let Some(by) = behind {
            return Err(TimeRepairRefused::ClockBehind { by });
        }
        let is_wrong = |fault: &ClockFault| matches!(fault, ClockFault::CatalogAhead { .. });
        if faults.iter().any(is_wrong) {
            Ok(())
        } else {
            Err(TimeRepairRefused::NothingToRepair)
        }
    }

    fn catalog_time(&self) -> UnixNanos {
        self.applied().borrow().catalog.last_at
    }

    /// The other voters whose clocks are known, with what they show now.
    fn others(&self) -> Vec<(RaftId, UnixNanos)> {
        let metrics = self.inner.raft.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let others = membership
            .voter_ids()
            .filter(|id| *id != self.inner.me.raft_id.0)
            .filter_map(|id| {
                let incarnation = membership.get_node(&id)?.incarnation;
                Some((RaftId(id), self.inner.clocks.now_at(incarnation)?))
            });
        others.collect()
    }

    /// The voter that should lead instead of this one: its clock is not ahead as well, and of those
    /// it has most of the log.
    fn with_better_clock(&self) -> Option<RaftId> {
        let now = self.inner.env.clock.now();
        let status = self.status();
        let matched = |id: &RaftId| {
            let progress = status.progress.iter().find(|(of, ..)| of == id);
            progress.and_then(|(_, matched, _)| *matched)
        };
        let better = better_clocks(now, self.catalog_time(), &self.others());
        better
            .into_iter()
            .max_by_key(|(id, is_usual)| (*is_usual, matched(id)))
            .map(|(id, _)| id)
    }
}

/// Returns the members whose clocks are behind this one, and whether each is within a minute of the
/// median. Leaves out clocks that are certainly wrong.
fn better_clocks(
    now: UnixNanos,
    catalog: UnixNanos,
    others: &[(RaftId, UnixNanos)],
) -> Vec<(RaftId, bool)> {
    let clocks: Vec<UnixNanos> = others.iter().map(|(_, clock)| *clock).collect();
    let median = median(now, &clocks);
    let catalog_is_wrong = since(median, catalog) > CLOCK_TOLERANCE;
    let is_better = |clock| {
        let is_possible = catalog_is_wrong || since(clock, catalog) <= CLOCK_TOLERANCE;
        is_possible && since(clock, now) > CLOCK_TOLERANCE
    };
    let is_usual = |clock| since(clock, median).max(since(median, clock)) <= CLOCK_TOLERANCE;
    let better = others.iter().filter(|(_, clock)| is_better(*clock));
    better.map(|(id, clock)| (*id, is_usual(*clock))).collect()
}

/// Hands leadership over while this node's clock is ahead: the others can propose, and this node
/// cannot. Ends with the Raft node.
pub(super) async fn hand_over_while_ahead(inner: Weak<Inner>) {
    loop {
        {
            let Some(inner) = inner.upgrade() else { return };
            let raft = Raft { inner };
            let is_ahead = |fault: &ClockFault| matches!(fault, ClockFault::Ahead { .. });
            if raft.status().role == Role::Leader
                && raft.clock_faults().iter().any(is_ahead)
                && let Some(target) = raft.with_better_clock()
            {
                tracing::warn!(
                    event = "clock.hand-over",
                    to = %target,
                    "the clock of this leader is ahead: another node shall lead"
                );
                // An error means that Raft has ended.
                drop(raft.inner.raft.trigger().transfer_leader(target.0).await);
            }
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

fn judge(now: UnixNanos, catalog: UnixNanos, others: &[UnixNanos]) -> Vec<ClockFault> {
    let mut faults = Vec::new();
    if let Some(by) = ahead(now, catalog, others) {
        faults.push(ClockFault::Ahead { by });
    }
    let in_front = others
        .iter()
        .map(|other| since(now, *other))
        .filter(|by| *by > CLOCK_TOLERANCE);
    if others.len() < 2 * in_front.clone().count() {
        faults.extend(in_front.min().map(|by| ClockFault::Behind { by }));
    }
    if since(median(now, others), catalog) > CLOCK_TOLERANCE {
        faults.push(ClockFault::CatalogAhead { time: catalog });
    }
    faults
}

/// Returns the time by which a stamp is ahead of at least half of the known clocks, this node's
/// among them. Of two clocks that differ, nobody knows which is right: the higher one is refused,
/// because a stamp cannot be taken back and a refusal can.
///
/// A clock behind the catalog's time is certainly wrong and does not count, unless the catalog's
/// time is itself ahead of most clocks.
fn ahead(stamp: UnixNanos, catalog: UnixNanos, others: &[UnixNanos]) -> Option<Duration> {
    let catalog_is_wrong = since(median(stamp, others), catalog) > CLOCK_TOLERANCE;
    let counts =
        |other: &&UnixNanos| catalog_is_wrong || since(**other, catalog) <= CLOCK_TOLERANCE;
    let others: Vec<UnixNanos> = others.iter().filter(counts).copied().collect();
    let behind = others
        .iter()
        .map(|other| since(*other, stamp))
        .filter(|by| *by > CLOCK_TOLERANCE);
    if 2 * behind.clone().count() > others.len() {
        behind.min()
    } else {
        None
    }
}

/// The median of all clocks, this node's among them; of two the higher one.
fn median(own: UnixNanos, others: &[UnixNanos]) -> UnixNanos {
    let mut all: Vec<UnixNanos> = others.iter().copied().chain([own]).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

/// Time from one instant to a later one; zero if it is not later.
fn since(earlier: UnixNanos, later: UnixNanos) -> Duration {
    let nanos = i128::from(later.0) - i128::from(earlier.0);
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

fn add(to: UnixNanos, time: Duration) -> UnixNanos {
    let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    UnixNanos(to.0.saturating_add(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(minutes: i64) -> UnixNanos {
        UnixNanos((1_000_000 + minutes) * 60_000_000_000)
    }

    const fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_stamp_is_ahead_of_half_of_the_known_clocks_or_not() {
        for (stamp, catalog, others, by) in [
            // Nobody to compare with.
            (at(99), at(0), &[][..], None),
            // A minute is no difference; a little more is.
            (at(1), at(0), &[at(0), at(0)], None),
            (at(2), at(0), &[at(0), at(0)], Some(minutes(2))),
            (at(9), at(0), &[at(1), at(0)], Some(minutes(8))),
            // Another one agrees: the third is behind.
            (at(9), at(0), &[at(9), at(0)], None),
            (at(9), at(0), &[at(99), at(0)], None),
            // A member is silent, and nobody knows which clock is right.
            (at(9), at(0), &[at(0)], Some(minutes(9))),
            (at(0), at(0), &[at(9)], None),
            // The other one is behind the catalog: it is wrong.
            (at(9), at(9), &[at(0)], None),
            (at(9), at(9), &[at(0), at(9)], None),
            // The catalog is wrong: the others are right.
            (at(99), at(99), &[at(0), at(0)], Some(minutes(99))),
            (at(0), at(99), &[at(0), at(0)], None),
        ] {
            let case = (stamp, catalog, others);
            assert_eq!(ahead(stamp, catalog, others), by, "{case:?}");
        }
    }

    #[test]
    fn leadership_goes_to_no_clock_that_is_certainly_wrong() {
        let (two, three) = (RaftId(2), RaftId(3));
        for (now, catalog, others, better) in [
            // One clock begins at 1970.
            (at(99), at(0), [at(-999), at(0)], vec![(three, true)]),
            (
                at(99),
                at(0),
                [at(0), at(1)],
                vec![(two, true), (three, true)],
            ),
            // The catalog is wrong, and says nothing about the clocks.
            (
                at(99),
                at(99),
                [at(-9), at(0)],
                vec![(two, false), (three, true)],
            ),
            (at(0), at(0), [at(0), at(9)], vec![]),
        ] {
            let others = [(two, others[0]), (three, others[1])];
            assert_eq!(better_clocks(now, catalog, &others), better, "{others:?}");
        }
    }

    #[test]
    fn a_fault_names_what_is_wrong() {
        use ClockFault::{Ahead, Behind, CatalogAhead};
        for (now, catalog, others, faults) in [
            (at(0), at(0), &[at(0), at(0)][..], vec![]),
            (at(0), at(1), &[at(0), at(0)], vec![]),
            (at(0), at(-500), &[], vec![]),
            (
                at(9),
                at(0),
                &[at(0), at(1)],
                vec![Ahead { by: minutes(8) }],
            ),
            (
                at(0),
                at(9),
                &[at(9), at(8)],
                vec![Behind { by: minutes(8) }],
            ),
            (at(0), at(0), &[at(9), at(0)], vec![]),
            (
                at(0),
                at(99),
                &[at(0), at(1)],
                vec![CatalogAhead { time: at(99) }],
            ),
            (at(0), at(99), &[], vec![CatalogAhead { time: at(99) }]),
            (
                at(99),
                at(99),
                &[at(0), at(0)],
                vec![Ahead { by: minutes(99) }, CatalogAhead { time: at(99) }],
            ),
        ] {
            assert_eq!(judge(now, catalog, others), faults, "{now:?} {others:?}");
        }
        let ends = judge(UnixNanos(i64::MIN), UnixNanos(i64::MAX), &[UnixNanos(0)]);
        assert_eq!(ends.len(), 2, "{ends:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_a_silent_member_goes_on_and_is_forgotten() {
        let (clocks, member) = (Clocks::default(), Incarnation([1; 16]));
        clocks.note(member, at(0));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(
            clocks.now_at(member),
            Some(add(at(0), Duration::from_secs(20)))
        );
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(clocks.now_at(member), None);
    }
}
