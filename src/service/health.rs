//! Readiness of this node, and the reasons where it is not ready: `/readyz`, `/health`, `/healthz`.

use super::Service;
use super::gauges::raised_alarms;
use super::members::LocalState;
use crate::base::{Incarnation, RaftId};
use crate::cluster::Activity;
use crate::raft::{Applied, CatalogUse, DiskFault, RaftStatus, Role};
use crate::wire::api::{
    CatalogSize, Check, Health, HealthPhase, HealthSummary, MemberState, MissingPeer,
    RaftStateInfo, Ready, Waiting,
};
use crate::wire::identity::Phase;

impl Service {
    /// Checks that this node is a member, knows a leader, has caught up and is not draining; with
    /// `voter` also that it is a voter.
    pub fn ready(&self, voter: bool) -> Ready {
        let checks = self.checks(&self.local_state(), voter);
        let failed = checks.iter().find(|check| !check.ok);
        let error = failed.map(|check| check.message.clone().unwrap_or_default());
        Ready {
            error,
            ready: failed.is_none(),
            checks,
        }
    }

    pub fn health_summary(&self) -> HealthSummary {
        let ready = self.ready(false);
        HealthSummary {
            name: "influxd-meta".to_owned(),
            status: pass(ready.ready),
            message: ready.error.clone().unwrap_or_else(|| "ready".to_owned()),
            error: ready.error,
            version: self.version().to_owned(),
        }
    }

    /// Returns the part of [`Self::health`] that is of no use to an unauthenticated caller.
    pub fn health_phase(&self) -> HealthPhase {
        let local = self.local_state();
        let ready = self.checks(&local, false).iter().all(|check| check.ok);
        HealthPhase {
            status: pass(ready),
            phase: local.view.phase,
        }
    }

    pub fn health(&self) -> Health {
        let local = self.local_state();
        let ready = self.checks(&local, false).iter().all(|check| check.ok);
        let view = &local.view;
        let node = view
            .raft_id
            .and_then(|raft_id| local.catalog()?.meta_node_by_raft_id(raft_id));
        Health {
            status: pass(ready),
            version: self.version().to_owned(),
            phase: view.phase,
            doing: activity_name(view.doing).to_owned(),
            reason: view.reason.clone(),
            blocked: (view.doing == Activity::Blocked).then(|| view.reason.clone()),
            halted: halted(&local),
            missing: view
                .missing
                .iter()
                .map(|m| MissingPeer {
                    address: m.address.clone(),
                    why: m.why.to_string(),
                })
                .collect(),
            incarnation: self.cluster.get().map(|_| view.incarnation),
            http: view.http.clone(),
            raft: view.raft.clone(),
            cluster_id: view.cluster_id,
            cluster_name: view.cluster_name.clone(),
            raft_id: view.raft_id,
            node_id: node.map(|node| node.id),
            raft_state: local.raft.as_ref().map(|(status, applied)| RaftStateInfo {
                waiting: self.waiting(applied),
                ..raft_state(status, applied)
            }),
            catalog: self.cluster().raft().ok().map(|raft| {
                let CatalogUse { bytes, quota } = raft.catalog_use();
                CatalogSize { bytes, quota }
            }),
            peer_proofs: view.peer_policy.word().to_owned(),
            warnings: view.warnings.iter().map(ToString::to_string).collect(),
            alarms: raised_alarms(view).map(str::to_owned).collect(),
        }
    }

    fn waiting(&self, applied: &Applied) -> Vec<Waiting> {
        let states = self.cluster().waiting();
        let state = |who: Incarnation| states.get(&who).cloned();
        let catalog = &applied.catalog;
        let pendings = catalog.pendings.values().map(|pending| Waiting {
            http: pending.http.clone(),
            raft_id: Some(pending.raft_id),
            voter: pending.voter,
            state: state(pending.incarnation),
        });
        let learners = catalog.meta_nodes.values().filter_map(|node| {
            let state = Some(state(node.incarnation)?);
            Some(Waiting {
                http: node.http.clone(),
                raft_id: Some(node.raft_id),
                voter: node.voter,
                state,
            })
        });
        pendings.chain(learners).collect()
    }

    pub(super) fn checks(&self, local: &LocalState, voter: bool) -> Vec<Check> {
        // A node that is joining has the catalog before it is a member.
        let founded = local.view.phase != Phase::Joining
            && local
                .catalog()
                .is_some_and(|catalog| catalog.cluster.is_some());
        let halted = halted(local);
        let status = local.raft.as_ref().map(|(status, _)| status);
        let disk = status.and_then(|status| status.disk.as_ref());
        let leader = status.is_some_and(|status| status.leader.is_some());
        let mut checks = vec![
            check("serving", !self.watcher.is_stopping(), || {
                "this node is stopping".to_owned()
            }),
            check("disk", !disk.is_some_and(DiskFault::refuses), || {
                disk.map(ToString::to_string).unwrap_or_default()
            }),
            check("member", founded, || not_member(local)),
            check("raft", halted.is_none(), || {
                halted.clone().unwrap_or_default()
            }),
            check("leader", leader, || "no leader is known".to_owned()),
            check("caught-up", leader && self.watcher.is_caught_up(), || {
                not_caught_up(leader)
            }),
        ];
        if voter {
            let votes = |status: &RaftStatus| {
                local
                    .view
                    .raft_id
                    .is_some_and(|id| status.voters.contains(&id))
            };
            checks.push(check("voter", status.is_some_and(votes), || {
                "this node is no voter".to_owned()
            }));
        }
        checks
    }
}

fn check(name: &str, ok: bool, message: impl FnOnce() -> String) -> Check {
    Check {
        name: name.to_owned(),
        ok,
        message: (!ok).then(message),
    }
}

fn not_caught_up(leader: bool) -> String {
    if leader {
        "this node has not yet applied what its cluster had committed".to_owned()
    } else {
        "without a leader nobody can say what there is to apply".to_owned()
    }
}

fn pass(ready: bool) -> String {
    if ready { "pass" } else { "fail" }.to_owned()
}

fn not_member(local: &LocalState) -> String {
    let reason = &local.view.reason;
    if reason.is_empty() {
        "this node is not part of a cluster yet".to_owned()
    } else {
        reason.clone()
    }
}

fn halted(local: &LocalState) -> Option<String> {
    let by_raft = local
        .raft
        .as_ref()
        .and_then(|(status, _)| status.halted.clone());
    by_raft.or_else(|| (local.view.doing == Activity::Halted).then(|| local.view.reason.clone()))
}

fn raft_state(status: &RaftStatus, applied: &Applied) -> RaftStateInfo {
    let catalog = &applied.catalog;
    let known = status
        .last_log
        .max(status.committed)
        .map_or(0, |log_id| log_id.index);
    RaftStateInfo {
        term: status.term,
        role: role_name(status).to_owned(),
        leader: status.leader,
        leader_http: status
            .leader
            .and_then(|id| catalog.meta_node_by_raft_id(id))
            .map(|node| node.http.clone()),
        last_log: status.last_log,
        committed: status.committed,
        applied: status.applied,
        snapshot: status.snapshot,
        lag: known.saturating_sub(status.applied.map_or(0, |log_id| log_id.index)),
        catalog_index: catalog.index,
        voters: status.voters.clone(),
        learners: status.learners.clone(),
        joint: status.joint,
        quorum_ack_ms: status.quorum_ack.map(millis),
        members: status
            .voters
            .iter()
            .chain(&status.learners)
            .map(|id| member_state(*id, status, applied))
            .collect(),
        waiting: Vec::new(),
    }
}

fn member_state(raft_id: RaftId, status: &RaftStatus, applied: &Applied) -> MemberState {
    let node = applied.catalog.meta_node_by_raft_id(raft_id);
    let progress = status.progress.iter().find(|(id, ..)| *id == raft_id);
    let last = status.last_log.map_or(0, |log_id| log_id.index);
    MemberState {
        raft_id: Some(raft_id),
        node_id: node.map(|node| node.id),
        http: node.map(|node| node.http.clone()),
        raft: node.map(|node| node.raft.clone()),
        voter: status.voters.contains(&raft_id),
        lag: progress
            .and_then(|(_, matched, _)| *matched)
            .map(|matched| last.saturating_sub(matched)),
        quiet_ms: progress.and_then(|(.., quiet)| *quiet).map(millis),
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the role that is shown to operators. A leader that no majority has answered within the
/// leader timeout commits nothing, and another node may lead by now: it is not shown as `leader`.
pub(super) fn role_name(status: &RaftStatus) -> &'static str {
    match status.role {
        Role::Leader if status.leader.is_none() => "no-majority",
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Candidate => "candidate",
        Role::Learner => "learner",
    }
}

pub(super) fn activity_name(doing: Activity) -> &'static str {
    match doing {
        Activity::Manual => "by-hand",
        Activity::Waiting => "waiting",
        Activity::Founding => "founding",
        Activity::Joining => "joining",
        Activity::Blocked => "blocked",
        Activity::Open => "open",
        Activity::Halted => "halted",
        Activity::Removed => "removed",
    }
}

pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Fresh => "fresh",
        Phase::Accepted => "accepted",
        Phase::Started => "started",
        Phase::Joining => "joining",
        Phase::Member => "member",
        Phase::Removed => "removed",
    }
}
