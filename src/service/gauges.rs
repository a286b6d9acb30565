//! Values of `/metrics` that are read from the present state, not counted.

use super::Service;
use super::health::{activity_name, phase_name, role_name};
use crate::base::LogId;
use crate::cluster::{ALARMS, Activity, View, Warning};
use crate::raft::{DiskFault, Raft, RaftStatus};
use crate::telemetry::metrics::{DiskGauges, Gauges, HistogramCounts, RaftGauges, render};

impl Service {
    /// Returns the body of `/metrics`.
    pub fn metrics_text(&self) -> String {
        let local = self.local_state();
        let gauges = Gauges {
            phase: phase_name(local.view.phase).to_owned(),
            doing: activity_name(local.view.doing).to_owned(),
            blocked: local.view.doing == Activity::Blocked,
            missing_peers: local.view.missing.len(),
            alarms: alarms(&local.view),
            other_members: other_members(&local.view),
            ready: self.checks(&local, false).iter().all(|check| check.ok),
            catalog_bytes: self.cluster().raft().ok().map(|raft| catalog_bytes(&raft)),
            catalog_index: local.catalog().map_or(1, |catalog| catalog.index),
            raft: local.raft.as_ref().map(|(status, _)| raft_gauges(status)),
            disk: self.cluster().raft().ok().map(|raft| disk_gauges(&raft)),
            fsync: self.cluster().raft().ok().map(|raft| fsyncs(&raft)),
        };
        render(&self.metrics, &gauges, resident_bytes())
    }
}

/// Every kind, raised or not: an alert on a series that does not exist never fires.
fn alarms(view: &View) -> Vec<(&'static str, bool)> {
    let is_raised = |kind| raised_alarms(view).any(|raised| raised == kind);
    ALARMS
        .iter()
        .map(|kind| (*kind, is_raised(*kind)))
        .collect()
}

/// The kinds that are raised, each once.
pub(super) fn raised_alarms(view: &View) -> impl Iterator<Item = &'static str> {
    let is_raised = |kind: &&str| {
        let mut alarms = view.warnings.iter().filter_map(Warning::alarm);
        alarms.any(|alarm| alarm == *kind)
    };
    ALARMS.iter().copied().filter(is_raised)
}

fn other_members(view: &View) -> Vec<(&'static str, usize)> {
    let others = &view.other_members;
    vec![
        ("well", others.well.len()),
        ("halted", others.halted.len()),
        ("absent", others.absent.len()),
    ]
}

fn raft_gauges(status: &RaftStatus) -> RaftGauges {
    let index = |log_id: Option<LogId>| log_id.map_or(0, |log_id| log_id.index);
    RaftGauges {
        term: status.term,
        role: role_name(status),
        leader_known: status.leader.is_some(),
        last_log: index(status.last_log),
        committed: index(status.committed),
        applied: index(status.applied),
        snapshot: index(status.snapshot),
        voters: status.voters.len(),
        learners: status.learners.len(),
        quorum_contact: status.quorum_ack,
        halted: status.halted.is_some(),
    }
}

fn catalog_bytes(raft: &Raft) -> (u64, u64) {
    let used = raft.catalog_use();
    (used.bytes, used.quota)
}

fn disk_gauges(raft: &Raft) -> DiskGauges {
    let fault = raft.disk_fault();
    DiskGauges {
        free_bytes: raft.disk_free_bytes(),
        full: matches!(fault, Some(DiskFault::Full { .. })),
        slow: matches!(fault, Some(DiskFault::Slow)),
        majority_full: matches!(fault, Some(DiskFault::MajorityFull(_))),
    }
}

fn fsyncs(raft: &Raft) -> HistogramCounts {
    let counted = raft.fsyncs();
    HistogramCounts {
        buckets: counted.buckets,
        count: counted.count,
        sum: counted.total,
    }
}

/// Returns the resident memory in bytes, from `VmRSS:     12345 kB` of `/proc/self/status`; `None`
/// where there is no such file.
#[expect(
    clippy::disallowed_methods,
    reason = "the kernel's book-keeping of this process, not a file of ours"
)]
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}
