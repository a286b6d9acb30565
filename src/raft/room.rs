//! Which members have room on their disks, and what a leader does about it: it stops proposing
//! while a majority is full, and hands leadership over if only its own disk is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;
use tokio::time::Instant;

use super::node::{AfterHandOver, Raft};
use crate::base::RaftId;
use crate::runtime::lock;
use crate::storage::Room;

/// Interval of the checks of the disk.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Timeout for a transfer of leadership to a member with room.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(2);

/// Delay after such a transfer that failed.
const HAND_OVER_RETRY_DELAY: Duration = Duration::from_secs(5);

/// Age, in timeouts of a leader, up to which a member's report counts. It reports with each answer
/// to a heartbeat.
const MAX_REPORT_AGE: u32 = 3;

/// Last reports of the members about their disks. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct MemberRooms(Arc<Mutex<BTreeMap<RaftId, Report>>>);

#[derive(Clone, Copy)]
struct Report {
    full: bool,
    at: Instant,
}

impl MemberRooms {
    pub(super) fn report(&self, member: RaftId, full: bool) {
        let at = Instant::now();
        let before = lock(&self.0).insert(member, Report { full, at });
        if before.is_some_and(|before| before.full) != full {
            match full {
                true => {
                    tracing::warn!(event = "disk.member-full", raft_id = %member, "the disk of a member is full")
                }
                false => {
                    tracing::info!(event = "disk.member-free", raft_id = %member, "the disk of a member has room again")
                }
            }
        }
    }

    /// Last report of a member, if it is not older than `within`: whether its disk is full.
    fn is_full(&self, member: RaftId, within: Duration) -> Option<bool> {
        let reports = lock(&self.0);
        let report = reports
            .get(&member)
            .filter(|report| report.at.elapsed() < within)?;
        Some(report.full)
    }
}

/// Reasons why no command can be taken for want of room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskFault {
    /// The disk of this node is full. Free bytes, and the number below which commands are refused.
    #[error(
        "the disk is full: {free} bytes are free, new commands are refused below {needed}; make room"
    )]
    Full { free: u64, needed: u64 },
    /// The disk of this node does not keep up.
    #[error("the disk does not keep up: commands wait until what is queued is written")]
    Slow,
    /// This node leads, and the disks of these members are full. No majority could store a command.
    #[error(
        "the disks of {} are full: no majority could store a command, so new ones are refused; make \
         room there",
        names(.0)
    )]
    MajorityFull(BTreeSet<RaftId>),
}

impl DiskFault {
    /// Returns whether commands are refused, not only delayed.
    pub fn refuses(&self) -> bool {
        *self != Self::Slow
    }
}

fn names(members: &BTreeSet<RaftId>) -> String {
    let names: Vec<String> = members.iter().map(|id| format!("Raft id {id}")).collect();
    names.join(", ")
}

impl Raft {
    /// Free bytes of this node's disk when they were last counted.
    pub fn disk_free_bytes(&self) -> u64 {
        self.inner.log.free_bytes().0
    }

    /// Returns the reason why this node cannot take commands, if its disk or its members' disks are
    /// one.
    pub fn disk_fault(&self) -> Option<DiskFault> {
        match self.inner.log.room() {
            Room::Full => {
                let (free, needed) = self.inner.log.free_bytes();
                Some(DiskFault::Full { free, needed })
            }
            Room::Slow => Some(DiskFault::Slow),
            Room::Free => self.full_majority().map(DiskFault::MajorityFull),
        }
    }

    /// Returns the full members if this node leads and a majority cannot store a command.
    pub(super) fn full_majority(&self) -> Option<BTreeSet<RaftId>> {
        let full = self.full_members();
        let blocks = |voters: &BTreeSet<RaftId>| {
            let free = voters.difference(&full).count();
            free <= voters.len() / 2 && !voters.is_disjoint(&full)
        };
        let leads = self.leader() == Some(self.inner.me.raft_id);
        (leads && self.voter_sets().iter().any(blocks)).then_some(full)
    }

    /// Members whose last answer said that their disk is full.
    fn full_members(&self) -> BTreeSet<RaftId> {
        let age = self.max_report_age();
        let others = self.voter_sets().into_iter().flatten();
        others
            .filter(|id| *id != self.inner.me.raft_id)
            .filter(|id| self.inner.rooms.is_full(*id, age) == Some(true))
            .collect()
    }

    /// Returns the voter to lead instead of this node, whose disk is full: one that has room, if a
    /// majority has.
    pub(super) fn leader_with_room(&self) -> Option<RaftId> {
        let (me, age) = (self.inner.me.raft_id, self.max_report_age());
        if self.leader() != Some(me) {
            return None;
        }
        let has_room = |id: &RaftId| self.inner.rooms.is_full(*id, age) == Some(false);
        let enough = |voters: &BTreeSet<RaftId>| {
            voters.iter().filter(|id| has_room(id)).count() > voters.len() / 2
        };
        let target = self.transfer_target()?;
        (has_room(&target) && self.voter_sets().iter().all(enough)).then_some(target)
    }

    /// Returns whether a member said lately that its disk is full.
    pub(super) fn is_member_full(&self, member: RaftId) -> bool {
        self.inner.rooms.is_full(member, self.max_report_age()) == Some(true)
    }

    /// Sets of voters: two during a change of the membership.
    fn voter_sets(&self) -> Vec<BTreeSet<RaftId>> {
        let metrics = self.inner.raft.metrics();
        let metrics = metrics.borrow_watched();
        let sets = metrics.membership_config.membership().get_joint_config();
        let ids = |set: &BTreeSet<u64>| set.iter().copied().map(RaftId).collect();
        sets.iter().map(ids).collect()
    }

    fn max_report_age(&self) -> Duration {
        self.inner.timers.leader_timeout * MAX_REPORT_AGE
    }
}

/// Counts the free space again and again, also while nobody asks, and hands leadership over while
/// only this node's disk is full. Runs as long as the node.
pub(super) async fn watch_disk(raft: impl Fn() -> Option<Raft>) {
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        let Some(raft) = raft() else { return };
        if raft.inner.log.room() != Room::Full || raft.is_draining() {
            continue;
        }
        let Some(target) = raft.leader_with_room() else {
            continue;
        };
        tracing::warn!(
            event = "disk.hand-over", to = %target,
            "the disk of this leader is full: leadership goes to a member with room"
        );
        let done = raft
            .hand_over(HAND_OVER_TIMEOUT, AfterHandOver::Member)
            .await;
        if done != super::HandOver::Done {
            tokio::time::sleep(HAND_OVER_RETRY_DELAY).await;
        }
    }
}
