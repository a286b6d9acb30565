//! What this node wants of its cluster: a place, word of what became of its place, new addresses
//! (founding.md 6, 7).
//!
//! Owns: when to ask whom, and what. Never: what an answer changes (`answers`).

use std::time::Duration;

use crate::base::{Address, Incarnation};
use crate::cluster::founding::Verdict;
use crate::cluster::identity::record::{MembershipState, RemovalReason, Seat};
use crate::cluster::node::NodeTask;
use crate::cluster::node::retry::Target;
use crate::cluster::{PeerRequest, PeerResponse, PollError};
use crate::wire::joining::{Caller, Invite, JOIN, JoinRequest, JoinRole, MOVED};

/// What is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MembershipRequest {
    /// A place in the cluster, or word of it.
    Join,
    /// This member has other addresses than its cluster believes.
    Moved,
}

/// An answer, or none.
pub(super) struct PeerAnswer {
    pub(super) request: MembershipRequest,
    pub(super) target: Address,
    /// Who asked: an answer to an earlier life changes nothing.
    pub(super) me: Incarnation,
    pub(super) result: Result<PeerResponse, PollError>,
}

/// People and charts repeat what is not done after seconds.
const INVITATION_LIFETIME: Duration = Duration::from_secs(60);
/// Longer than any election.
const LEADERLESS_BEFORE_ASKING: Duration = Duration::from_secs(5);

impl NodeTask {
    /// Asks, if there is something to ask and it is time.
    pub(super) fn send_due_request(&mut self) {
        let request = self.due_request();
        if request != self.request {
            self.request = request;
            self.retry.forget();
        }
        let Some(request) = request else { return };
        let targets = self.targets();
        let Some((target, meant_for)) = self.retry.next(self.now(), &targets) else {
            return;
        };
        let ask = self.ask(request).meant_for(meant_for);
        let (exchange, me) = (self.exchange.clone(), self.founding.record().incarnation);
        self.asks.push(Box::pin(async move {
            let result = exchange.ask(&target, ask).await;
            PeerAnswer {
                request,
                target,
                me,
                result,
            }
        }));
    }

    fn due_request(&self) -> Option<MembershipRequest> {
        let invited = self.invitation().is_some();
        let wanted = match &self.founding.record().standing {
            MembershipState::Fresh => {
                invited || matches!(self.founding.verdict(), Verdict::Join { .. })
            }
            MembershipState::Joining { .. } => true,
            MembershipState::Started { .. } | MembershipState::Member { .. } => {
                self.suspicious || self.is_left_out()
            }
            MembershipState::Removed { why, .. } => {
                invited || (*why != RemovalReason::Removed && !self.founding.is_manual())
            }
        };
        if wanted {
            return Some(MembershipRequest::Join);
        }
        self.has_moved().then_some(MembershipRequest::Moved)
    }

    /// No leader talks to this member, and a fellow has one: it may have been taken out while it
    /// was away, and nobody dials it any more to say so.
    fn is_left_out(&self) -> bool {
        let waits = self
            .leaderless_since
            .is_some_and(|since| self.now().saturating_sub(since) >= LEADERLESS_BEFORE_ASKING);
        let ours = self.founding.record().seat().map(|seat| seat.cluster_id);
        waits
            && self
                .founding
                .seen()
                .any(|(_, theirs)| theirs.cluster_id == ours && theirs.leader_known)
    }

    /// Looked at with every event.
    pub(super) fn note_leader(&mut self) {
        let has_none = self
            .raft_state
            .raft()
            .is_some_and(|raft| raft.status().leader.is_none());
        self.leaderless_since = has_none.then(|| self.leaderless_since.unwrap_or(self.now()));
    }

    /// It lapses: whoever still wants this node asks again.
    fn invitation(&self) -> Option<&Invite> {
        let (invite, since) = self.invited.as_ref()?;
        (self.now().saturating_sub(*since) < INVITATION_LIFETIME).then_some(invite)
    }

    /// The catalog has this member at other addresses than it advertises.
    fn has_moved(&self) -> bool {
        let (Some(raft), Some(http), Some(own_raft)) = (
            self.raft_state.raft(),
            self.founding.own(),
            self.founding.own_raft(),
        ) else {
            return false;
        };
        let applied = raft.applied();
        let applied = applied.borrow();
        let me = self.founding.record().seat().map(|seat| seat.raft_id);
        let node = me.and_then(|raft_id| applied.catalog.meta_node_by_raft_id(raft_id));
        node.is_some_and(|node| node.http != http || node.raft != own_raft)
    }

    fn targets(&self) -> Vec<Target> {
        let plain = |at: &Address| (at.clone(), None);
        let mut targets = match &self.founding.record().standing {
            MembershipState::Fresh | MembershipState::Removed { .. } => match self.invitation() {
                Some(invite) => invite.members.iter().map(plain).collect(),
                None => self.founding.known_members(self.now()),
            },
            MembershipState::Joining { members, seat } => {
                let mut targets = self.fellows(seat);
                targets.extend(members.iter().map(plain));
                targets
            }
            MembershipState::Started { seat, .. } | MembershipState::Member { seat, .. } => {
                self.fellows(seat)
            }
        };
        let own = self.founding.own();
        targets.retain(|(at, _)| Some(at) != own.as_ref());
        let mut unique: Vec<Target> = Vec::with_capacity(targets.len());
        for target in targets {
            if unique.iter().all(|(at, _)| *at != target.0) {
                unique.push(target);
            }
        }
        unique
    }

    /// Nodes of this cluster that answer, and members as the catalog has them.
    fn fellows(&self, seat: &Seat) -> Vec<Target> {
        let of_us = self
            .founding
            .seen()
            .filter(|(_, t)| t.cluster_id == Some(seat.cluster_id));
        let mut targets: Vec<Target> = of_us
            .map(|(at, theirs)| (at.clone(), Some(theirs.incarnation)))
            .collect();
        if let Some(raft) = self.raft_state.raft() {
            let applied = raft.applied().borrow().clone();
            let nodes = applied.catalog.meta_nodes.values();
            targets.extend(nodes.map(|node| (node.http.clone(), Some(node.incarnation))));
        }
        targets
    }

    fn ask(&self, request: MembershipRequest) -> PeerRequest {
        let identity = self.shared.identity();
        let from = identity.incarnation;
        match request {
            MembershipRequest::Join => PeerRequest::new(
                JOIN,
                from,
                &JoinRequest {
                    from,
                    identity,
                    role: self.join_role(),
                },
            ),
            MembershipRequest::Moved => PeerRequest::new(MOVED, from, &Caller { from, identity }),
        }
    }

    /// A join-only node is a learner, unless somebody asked for it by name.
    fn join_role(&self) -> JoinRole {
        let config = &self.shared.config;
        let join_only = config.bootstrap_expect == Some(0) && !config.peers.is_empty();
        if join_only && self.invitation().is_none() {
            JoinRole::Learner
        } else {
            JoinRole::Voter
        }
    }
}
