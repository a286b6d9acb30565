//! Requests of this node to its cluster: for a Raft id, for news about its membership, for a change
//! of its addresses (founding.md 6, founding.md 7).
//!
//! Owns: when to ask, whom, and what. Never: the handling of an answer (`join_answer`).

use std::time::Duration;

use crate::base::Address;
use crate::cluster::founding::Verdict;
use crate::cluster::identity::record::{MembershipState, RemovalReason, Seat};
use crate::cluster::node::NodeTask;
use crate::cluster::node::membership_request::{MembershipRequest, PeerAnswer};
use crate::cluster::node::retry::Target;
use crate::cluster::peers::exchange::PeerRequest;
use crate::wire::joining::{CallerIdentity, Invite, JOIN, JoinRequest, JoinRole, MOVED};

/// Lifetime of an invitation. Operators and charts repeat a failed command within seconds.
const INVITATION_LIFETIME: Duration = Duration::from_secs(60);
/// Time without a leader after which this member asks others whether it was removed. Longer than
/// any election.
const LEADERLESS_BEFORE_ASKING: Duration = Duration::from_secs(5);

impl NodeTask {
    /// Sends the request that is due, if there is one.
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
        let message = self.message(request).meant_for(meant_for);
        let context = self.node.context.clone();
        let me = self.founding.record().incarnation;
        self.requests.push(Box::pin(async move {
            let result = context.exchange.ask(&target, message).await;
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

    /// Whether this member has had no leader for a while, and another member has one. Then it may
    /// have been removed while it was away: members do not dial a removed node to say so.
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

    /// Updates, after every event, the time since which there is no leader.
    pub(super) fn note_leader(&mut self) {
        let has_none = self
            .raft_state
            .raft()
            .is_some_and(|raft| raft.status().leader.is_none());
        self.leaderless_since = has_none.then(|| self.leaderless_since.unwrap_or(self.now()));
    }

    /// Returns the last invitation, unless it has expired.
    pub(super) fn invitation(&self) -> Option<&Invite> {
        let (invite, since) = self.invited.as_ref()?;
        (self.now().saturating_sub(*since) < INVITATION_LIFETIME).then_some(invite)
    }

    /// Whether the addresses of this member in the catalog differ from those that it advertises,
    /// and the cluster must be told.
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
            && self.name_taken().is_none()
    }

    /// Updates, after every event, the address under which the catalog had this node while that was
    /// its own address.
    pub(super) fn note_registered(&mut self) {
        let Some(own) = self.founding.own() else {
            return;
        };
        if self.founding.registered() == Some(&own) {
            self.held_address = Some(own);
        }
    }

    /// Own address, if another member took it from this node during this life of the process: two
    /// nodes claim one name. The last to claim it keeps it. If both went on asking, the name would
    /// pass between them for ever, with one log entry for each change.
    pub(super) fn name_taken(&self) -> Option<Address> {
        let own = self.founding.own()?;
        let was_held = self.held_address.as_ref() == Some(&own);
        let is_lost = self.founding.registered().is_some_and(|at| *at != own);
        (was_held && is_lost && self.founding.members().contains(&own)).then_some(own)
    }

    fn targets(&self) -> Vec<Target> {
        let anyone = |at: &Address| (at.clone(), None);
        let mut targets = match &self.founding.record().standing {
            MembershipState::Fresh | MembershipState::Removed { .. } => match self.invitation() {
                Some(invite) => invite.members.iter().map(anyone).collect(),
                None => self.founding.known_members(self.now()),
            },
            MembershipState::Joining { members, seat } => {
                let mut targets = self.members(seat);
                targets.extend(members.iter().map(anyone));
                targets
            }
            MembershipState::Started { seat, .. } | MembershipState::Member { seat, .. } => {
                self.members(seat)
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
        if let (Some(MembershipRequest::Moved), Some(own)) = (self.request, own) {
            // A leader that is alone has nobody else to ask. Last: the others forward the request
            // to the leader, and also see that this node's new name resolves where they are.
            unique.push((own, Some(self.founding.record().incarnation)));
        }
        unique
    }

    /// Returns nodes of this cluster that answer, then the members of the catalog.
    fn members(&self, seat: &Seat) -> Vec<Target> {
        let answering = self
            .founding
            .seen()
            .filter(|(_, t)| t.cluster_id == Some(seat.cluster_id));
        let mut targets: Vec<Target> = answering
            .map(|(at, theirs)| (at.clone(), Some(theirs.incarnation)))
            .collect();
        if let Some(raft) = self.raft_state.raft() {
            let applied = raft.applied().borrow().clone();
            let nodes = applied.catalog.meta_nodes.values();
            targets.extend(nodes.map(|node| (node.http.clone(), Some(node.incarnation))));
        }
        targets
    }

    fn message(&self, request: MembershipRequest) -> PeerRequest {
        let identity = self.node.identity();
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
            MembershipRequest::Moved => {
                PeerRequest::new(MOVED, from, &CallerIdentity { from, identity })
            }
        }
    }

    /// A node that is configured only to join becomes a learner, unless an operator added it by
    /// name.
    fn join_role(&self) -> JoinRole {
        let config = &self.node.context.config;
        let join_only = config.bootstrap_expect == Some(0) && !config.peers.is_empty();
        if join_only && self.invitation().is_none() {
            JoinRole::Learner
        } else {
            JoinRole::Voter
        }
    }
}
