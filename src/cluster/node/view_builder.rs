//! The view: this node's activity in one sentence, and the warnings.

use std::time::Duration;

use crate::auth::PeerPolicy;
use crate::base::{Address, Incarnation};
use crate::cluster::activity::Activity;
use crate::cluster::config::ClusterConfig;
use crate::cluster::founding::{Founding, LOST_VOLUME_ADVICE};
use crate::cluster::membership::Alarm;
use crate::cluster::node::open_raft::RaftState;
use crate::cluster::node::retry::RetrySchedule;
use crate::cluster::refusal::NotYet;
use crate::cluster::view::View;
use crate::cluster::warning::Warning;
use crate::raft::{QuotaLevel, Raft, RaftStatus};
use crate::wire::identity::Phase;

/// Everything that the view depends on.
pub(super) struct ViewInput<'a> {
    pub(super) founding: &'a Founding,
    pub(super) raft_state: &'a RaftState,
    pub(super) config: &'a ClusterConfig,
    pub(super) peer_policy: PeerPolicy,
    /// Set while this node has a request to its cluster.
    pub(super) asking: Option<&'a RetrySchedule>,
    pub(super) own_name_unknown: bool,
    /// Own address, if another member took it.
    pub(super) name_taken: Option<Address>,
    /// Alarms of the leader's task, while this node leads.
    pub(super) alarms: Vec<Alarm>,
    pub(super) now: Duration,
}

/// The view before the first event.
pub(super) fn initial(founding: &Founding, peer_policy: PeerPolicy) -> View {
    base_view(founding, &RaftState::NotYet, peer_policy)
}

pub(super) fn view(input: &ViewInput<'_>) -> View {
    let mut view = base_view(input.founding, input.raft_state, input.peer_policy);
    if let Some(retry) = input.asking {
        add_last_answer(&mut view, retry, input.now);
    }
    view.warnings = warnings(input);
    let halted = &view.other_members.halted;
    if !halted.is_empty() {
        view.warnings.push(Warning::HaltedMembers(halted.clone()));
    }
    let lacks_secret = input.peer_policy == PeerPolicy::SecretMissing;
    if view.doing == Activity::Open && lacks_secret {
        view.reason = LACKS_SECRET.to_owned();
        view.has_leader = false;
    }
    view
}

/// Adds the cluster's last answer to the reason.
fn add_last_answer(view: &mut View, retry: &RetrySchedule, now: Duration) {
    if let Some(answer) = retry.last_answer().filter(|answer| !answer.is_empty()) {
        view.reason = format!("{}; {answer}", view.reason);
    }
    if retry.is_blocked(now) && matches!(view.doing, Activity::Joining | Activity::Removed) {
        view.doing = Activity::Blocked;
    }
}

const LACKS_SECRET: &str = "in a cluster without a leader: it requires \
                            internal-shared-secret and this node has none; set \
                            INFLUXDB_META_INTERNAL_SHARED_SECRET to that of the others";

fn base_view(founding: &Founding, raft_state: &RaftState, peer_policy: PeerPolicy) -> View {
    let State {
        doing,
        reason,
        has_leader,
    } = state(founding, raft_state);
    let (seat, verdict) = (founding.record().seat(), founding.verdict());
    View {
        doing,
        phase: founding.identity().phase,
        reason,
        has_leader,
        missing: verdict.missing().to_vec(),
        incarnation: founding.record().incarnation,
        http: founding.own(),
        raft: founding.own_raft(),
        cluster_id: seat.map(|seat| seat.cluster_id),
        cluster_name: founding.cluster_name().to_owned(),
        raft_id: seat.map(|seat| seat.raft_id),
        warnings: Vec::new(),
        other_members: founding.other_members(),
        peer_policy,
    }
}

struct State {
    doing: Activity,
    reason: String,
    has_leader: bool,
}

fn state(founding: &Founding, raft_state: &RaftState) -> State {
    let without_leader = |doing, reason| State {
        doing,
        reason,
        has_leader: false,
    };
    let raft = match raft_state {
        RaftState::Halted(reason) => {
            return without_leader(Activity::Halted, format!("halted: {reason}"));
        }
        RaftState::NotYet => {
            let verdict = founding.verdict();
            // In a cluster, and Raft is being opened.
            let opens = verdict.doing() == Activity::Open && founding.record().seat().is_some();
            let reason = if opens {
                NotYet::Starting.to_string()
            } else {
                verdict.to_string()
            };
            return without_leader(verdict.doing(), reason);
        }
        RaftState::Open(raft) => raft,
    };
    let status = raft.status();
    if let Some(text) = &status.halted {
        return without_leader(Activity::Halted, format!("halted: {text}"));
    }
    if founding.record().phase() == Phase::Joining {
        return without_leader(Activity::Joining, "joining its cluster".to_owned());
    }
    if status.leader.is_none() {
        return without_leader(Activity::Open, leaderless_text(founding, raft, &status));
    }
    State {
        doing: Activity::Open,
        reason: "in a cluster".to_owned(),
        has_leader: true,
    }
}

fn leaderless_text(founding: &Founding, raft: &Raft, status: &RaftStatus) -> String {
    let voters = voters(founding, raft, status);
    // A learner whose catalog lags may not know all voters.
    let all = voters.len().max(status.voters.len()).max(1);
    let text = format!(
        "in a cluster without a leader: {} of {all} voters have to be up and reach each other",
        all / 2 + 1
    );
    let gone = founding.lost_voters(&voters);
    let names = gone
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if gone.len() == all {
        // The volume of this node is not lost, so this node is none of the voters.
        return format!(
            "in a cluster without a leader: this node is a learner and its voters are gone, with \
             the volumes of {names}: {LOST_VOLUME_ADVICE}"
        );
    }
    if gone.len() * 2 >= all {
        format!("{text}; the volumes of {names} are gone: {LOST_VOLUME_ADVICE}")
    } else {
        text
    }
}

/// Returns the voters. Before the first leader there is no committed membership and no catalog;
/// then they are the founders.
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
    let pending = |id| {
        catalog
            .pending_by_raft_id(id)
            .map(|pending| (pending.http.clone(), pending.incarnation))
    };
    let known = |id| {
        catalog
            .meta_node_by_raft_id(id)
            .map(|node| (node.http.clone(), node.incarnation))
    };
    status
        .voters
        .iter()
        .filter_map(|id| known(*id).or_else(|| pending(*id)))
        .collect()
}

/// Has no size in it, so that a warning that stands is logged once.
fn quota_warning(raft: &Raft) -> Option<Warning> {
    let quota = raft.catalog_use().quota;
    match raft.quota_level() {
        QuotaLevel::Free => None,
        QuotaLevel::Near => Some(Warning::CatalogNearQuota(quota)),
        QuotaLevel::Full => Some(Warning::CatalogFull(quota)),
    }
}

fn warnings(input: &ViewInput<'_>) -> Vec<Warning> {
    let (founding, config) = (input.founding, input.config);
    let mut warnings = Vec::new();
    if let Some(raft) = input.raft_state.raft() {
        warnings.extend(raft.disk_fault().map(Warning::Disk));
        warnings.extend(quota_warning(raft));
        // While the membership changes, the incoming voters count.
        match raft.membership().voters.len() {
            0 => {}
            1 => warnings.push(Warning::OneVoter),
            2 => warnings.push(Warning::TwoVoters),
            even if even % 2 == 0 => warnings.push(Warning::EvenVoters(even)),
            _ => {}
        }
    }
    let founders = founding
        .record()
        .origin()
        .map_or(0, |origin| origin.vector.len());
    let voters = input
        .raft_state
        .raft()
        .map_or(0, |raft| raft.status().voters.len());
    if config.single_server && founders.max(voters) > 1 {
        warnings.push(Warning::SingleServerIgnored);
    }
    if let Some(seat) = founding.record().seat()
        && seat.cluster_name != config.cluster_name
    {
        warnings.push(Warning::OtherClusterName {
            configured: config.cluster_name.clone(),
            founded: seat.cluster_name.clone(),
        });
    }
    // A missing secret is logged at the start, and shown as `peer_proofs`.
    if config
        .secret
        .as_ref()
        .is_some_and(|secret| secret.is_short())
    {
        warnings.push(Warning::ShortSecret);
    }
    if input.peer_policy == PeerPolicy::ProofWanted {
        warnings.push(Warning::SecretNotRequired);
    }
    if let (true, Some(own)) = (input.own_name_unknown, founding.own()) {
        warnings.push(Warning::OwnNameUnknown(own.host().to_owned()));
    }
    warnings.extend(input.name_taken.clone().map(Warning::NameTaken));
    warnings.extend(input.alarms.iter().cloned().map(Warning::Membership));
    warnings.extend(founding.alarm(input.now).map(Warning::Founding));
    warnings.extend(founding.twins(input.now).into_iter().map(Warning::Twin));
    if let Some(raft) = input.raft_state.raft() {
        warnings.extend(raft.clock_faults().into_iter().map(Warning::Clock));
    }
    warnings.into_iter().map(Warning::rounded).collect()
}
