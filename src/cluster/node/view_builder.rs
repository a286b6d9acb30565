//! This node for people: what it is doing, in one sentence, and what they should worry about.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::{Address, Incarnation};
use crate::cluster::founding::{Founding, WAY_OUT};
use crate::cluster::node::open_raft::RaftState;
use crate::cluster::node::retry::RetrySchedule;
use crate::cluster::shared::Shared;
use crate::cluster::{Activity, View};
use crate::raft::{Raft, RaftStatus};
use crate::runtime::lock;
use crate::wire::identity::Phase;

/// Before the driver's first step.
pub(super) fn first(founding: &Founding) -> View {
    base_view(founding, &RaftState::NotYet)
}

/// `asking`: what this node asks its cluster for.
pub(super) fn view(
    founding: &Founding,
    raft_state: &RaftState,
    shared: &Shared,
    asking: Option<&RetrySchedule>,
    now: Duration,
) -> View {
    let mut view = base_view(founding, raft_state);
    if let Some(retry) = asking {
        add_last_answer(&mut view, retry, now);
    }
    view.warnings = warnings(founding, raft_state, shared, now);
    if view.doing == Activity::Open && shared.lacks_the_secret() {
        view.reason = LACKS_SECRET.to_owned();
    }
    view
}

/// What the cluster last answered, in the sentence of what this node is about.
fn add_last_answer(view: &mut View, retry: &RetrySchedule, now: Duration) {
    if let Some(said) = retry.said().filter(|said| !said.is_empty()) {
        view.reason = format!("{}; {said}", view.reason);
    }
    if retry.is_blocked(now) && matches!(view.doing, Activity::Joining | Activity::Removed) {
        view.doing = Activity::Blocked;
    }
}

const LACKS_SECRET: &str = "in a cluster without a leader: it was founded with internal-shared-secret and this node \
                            has none; set INFLUXDB_META_INTERNAL_SHARED_SECRET to that of the others";

fn base_view(founding: &Founding, raft_state: &RaftState) -> View {
    let (doing, reason) = doing(founding, raft_state);
    let (seat, verdict) = (founding.record().seat(), founding.verdict());
    View {
        doing,
        phase: founding.identity().phase,
        reason,
        missing: verdict.missing().to_vec(),
        incarnation: founding.record().incarnation,
        http: founding.own(),
        raft: founding.own_raft(),
        cluster_id: seat.map(|seat| seat.cluster_id),
        cluster_name: founding.cluster_name().to_owned(),
        raft_id: seat.map(|seat| seat.raft_id),
        warnings: Vec::new(),
    }
}

fn doing(founding: &Founding, raft_state: &RaftState) -> (Activity, String) {
    match raft_state {
        RaftState::Halted(text) => (Activity::Halted, format!("halted: {text}")),
        RaftState::Open(raft) => {
            let status = raft.status();
            match &status.halted {
                Some(text) => (Activity::Halted, format!("halted: {text}")),
                None if founding.record().phase() == Phase::Joining => {
                    (Activity::Joining, "joining its cluster".to_owned())
                }
                None => (Activity::Open, open_text(founding, raft, &status)),
            }
        }
        RaftState::NotYet => (founding.verdict().doing(), founding.verdict().to_string()),
    }
}

fn open_text(founding: &Founding, raft: &Raft, status: &RaftStatus) -> String {
    if status.leader.is_some() {
        return "in a cluster".to_owned();
    }
    let voters = voters(founding, raft, status);
    // Of a learner whose catalog lags not all are known.
    let all = voters.len().max(status.voters.len()).max(1);
    let text = format!(
        "in a cluster without a leader: {} of {all} voters have to be up and reach each other",
        all / 2 + 1
    );
    let gone = founding.gone(&voters);
    let names = gone
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if gone.len() == all {
        // None of them is this node, which has its volume.
        return format!(
            "in a cluster without a leader: this node is a learner and its voters are gone, with the volumes of \
             {names}: {WAY_OUT}"
        );
    }
    if gone.len() * 2 >= all {
        format!("{text}; the volumes of {names} are gone: {WAY_OUT}")
    } else {
        text
    }
}

/// Before the first leader no membership is committed, nor in the catalog: it is the founders'.
fn voters(founding: &Founding, raft: &Raft, status: &RaftStatus) -> Vec<(Address, Incarnation)> {
    if status.voters.is_empty() {
        let origin = founding
            .record()
            .origin()
            .into_iter()
            .flat_map(|origin| &origin.vector);
        return origin
            .map(|entry| (entry.http.clone(), entry.incarnation))
            .collect();
    }
    let applied = raft.applied().borrow().clone();
    let catalog = &applied.catalog;
    let coming = |id| {
        catalog
            .pending_by_raft_id(id)
            .map(|coming| (coming.http.clone(), coming.incarnation))
    };
    let known = |id| {
        catalog
            .meta_node_by_raft_id(id)
            .map(|node| (node.http.clone(), node.incarnation))
    };
    status
        .voters
        .iter()
        .filter_map(|id| known(*id).or_else(|| coming(*id)))
        .collect()
}

/// The log has it from the start, in other words.
pub(super) const NO_SECRET: &str =
    "no internal-shared-secret: whoever reaches ports 8089 and 8091 can pose as a meta node";

fn warnings(
    founding: &Founding,
    raft_state: &RaftState,
    shared: &Shared,
    now: Duration,
) -> Vec<String> {
    let (mut warnings, config) = (Vec::new(), &shared.config);
    if let Some(raft) = raft_state.raft() {
        // While it changes: what it is about to be.
        let voters = raft.membership().voters.len();
        match voters {
            0 => {}
            1 => warnings
                .push("one voter: a loss of this volume is a loss of the cluster".to_owned()),
            2 => warnings
                .push("two voters: a failure of either stops the cluster; run three".to_owned()),
            even if even % 2 == 0 => warnings.push(format!(
                "{even} voters survive no more failures than {}: run an odd number",
                even - 1
            )),
            _ => {}
        }
    }
    let founders = founding
        .record()
        .origin()
        .map_or(0, |origin| origin.vector.len());
    let voters = raft_state
        .raft()
        .map_or(0, |raft| raft.status().voters.len());
    if config.single_server && founders.max(voters) > 1 {
        warnings.push(
            "-single-server (or bootstrap-expect = 1) is ignored: this directory belongs to a node of a larger cluster"
                .to_owned(),
        );
    }
    if let Some(seat) = founding.record().seat()
        && seat.cluster_name != config.cluster_name
    {
        warnings.push(format!(
            "cluster-name is {:?} here, the cluster was founded as {:?}; a wiped node configured so cannot join",
            config.cluster_name, seat.cluster_name
        ));
    }
    if config.secret.is_none() {
        warnings.push(NO_SECRET.to_owned());
    }
    if let (true, Some(own)) = (
        shared.own_name_unknown.load(Ordering::Relaxed),
        founding.own(),
    ) {
        warnings.push(format!(
            "{}, the name others are given for this node, does not resolve here",
            own.host()
        ));
    }
    warnings.extend(lock(&shared.task_alarms).iter().cloned());
    warnings.extend(founding.alarm(now).map(|alarm| alarm.to_string()));
    warnings
}
