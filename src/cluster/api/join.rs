//! `/join` (founding.md 8): adding nodes at a member. A cluster that an operator forms goes through
//! the same founding, the same joining and the same membership task as any other.

use tokio::time::Instant;

use crate::base::{Address, Incarnation};
use crate::catalog::MetaNode;
use crate::cluster::api::cluster_api::{ClusterApi, JoinNote, NodeRef};
use crate::cluster::api::{Cluster, POLL_INTERVAL};
use crate::cluster::identity::record::MembershipState;
use crate::cluster::leader::facts::MAX_VOTERS;
use crate::cluster::peers::exchange::{PeerRequest, PeerResponse, PollError};
use crate::cluster::peers::poll::who_is_at;
use crate::cluster::refusal::{MembershipConflict, NotYet, PeerRefusal, Refusal, Unreachable};

use crate::raft::Raft;
use crate::wire::api::ErrorBody;
use crate::wire::identity::{Identity, Phase};
use crate::wire::joining::{CallerIdentity, INVITE, Invite};

impl Cluster {
    /// [`ClusterApi::join`].
    pub(super) async fn add_or_form(
        &self,
        addr: &Address,
        deadline: Instant,
    ) -> Result<NodeRef, Refusal> {
        let peers = &self.node.context.config.peers;
        match &self.node.state.record().standing {
            MembershipState::Started { .. } | MembershipState::Member { .. } => {
                self.add(addr, deadline).await
            }
            MembershipState::Fresh if self.is_manual() => self.form(addr, deadline).await,
            MembershipState::Fresh if peers.is_empty() => {
                self.wait_until_member(self.me(), deadline).await?;
                self.add(addr, deadline).await
            }
            MembershipState::Joining { .. } if peers.is_empty() => {
                Err(Refusal::NotYet(NotYet::StillJoining(self.reason())))
            }
            MembershipState::Fresh | MembershipState::Joining { .. } => Err(Refusal::Conflict(
                MembershipConflict::AutoJoin(self.node.state.not_member()),
            )),
            MembershipState::Removed { .. } => Err(Refusal::Conflict(
                MembershipConflict::NotMember(self.node.state.not_member()),
            )),
        }
    }

    /// Whether this node waits for an operator: without `peers`, and not configured to found alone.
    pub(super) fn is_manual(&self) -> bool {
        let config = &self.node.context.config;
        config.peers.is_empty() && !config.single_server && config.bootstrap_expect != Some(1)
    }

    /// Adds the node at `addr` to this member's cluster.
    pub(super) async fn add(&self, addr: &Address, deadline: Instant) -> Result<NodeRef, Refusal> {
        let theirs = self.identify(addr).await?;
        let raft = self.open_raft()?;
        let record = self.node.state.record();
        let ours = record.seat().map(|seat| seat.cluster_id);
        let is_known = theirs.cluster_id == ours && theirs.phase != Phase::Removed;
        if is_known && raft.status().leader.is_none() {
            return self.wait_for_leader_with(&theirs, deadline).await;
        }
        let node = raft
            .applied()
            .borrow()
            .catalog
            .meta_node_by_incarnation(theirs.incarnation)
            .cloned();
        if let Some(node) = node.as_ref().filter(|node| node.voter) {
            let note = no_vote(&raft, node).unwrap_or(JoinNote::Member);
            return Ok(node_ref(node, Some(note)));
        }
        let join_handler = self.join_handler(&raft, deadline)?;
        if let Some(node) = node {
            join_handler.mark_as_future_voter(&node).await?;
            return Ok(node_ref(&node, no_vote(&raft, &node)));
        }
        if theirs.cluster_id.is_some() && !is_known && theirs.phase != Phase::Removed {
            return Err(elsewhere(addr, &theirs));
        }
        self.check_loopback(&theirs)?;
        self.invite(&theirs, deadline).await
    }

    /// Polls a node that may be a member, while this node knows no leader, and waits for one.
    /// Nothing else can be done without a leader.
    async fn wait_for_leader_with(
        &self,
        theirs: &Identity,
        deadline: Instant,
    ) -> Result<NodeRef, Refusal> {
        self.node.senders.hint(
            &theirs.http,
            Some(theirs.clone()),
            std::net::Ipv4Addr::UNSPECIFIED.into(),
        );
        while Instant::now() + POLL_INTERVAL < deadline {
            if let Ok(raft) = self.raft()
                && raft.status().leader.is_some()
                && let Some(node) = raft
                    .applied()
                    .borrow()
                    .catalog
                    .meta_node_by_incarnation(theirs.incarnation)
            {
                return Ok(node_ref(node, no_vote(&raft, node)));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Err(Refusal::NotYet(NotYet::Dialling(theirs.http.clone())))
    }

    /// Asks a node to join, and waits until it is a member.
    async fn invite(&self, theirs: &Identity, deadline: Instant) -> Result<NodeRef, Refusal> {
        let record = self.node.state.record();
        let Some(seat) = record.seat() else {
            return Err(Refusal::NotYet(NotYet::NotMember(
                self.node.state.not_member(),
            )));
        };
        if theirs.cluster_name != seat.cluster_name {
            return Err(Refusal::Conflict(MembershipConflict::OtherClusterName {
                at: theirs.http.clone(),
                theirs: theirs.cluster_name.clone(),
                founded: seat.cluster_name.clone(),
            }));
        }
        let (cluster_id, cluster_name) = (seat.cluster_id, seat.cluster_name.clone());
        let members = self.node.identity().members;
        let (from, to) = (record.incarnation, theirs.incarnation);
        let invite = Invite {
            from,
            to,
            cluster_id,
            cluster_name,
            members,
        };
        self.send(theirs, INVITE, &invite, deadline).await?;
        if theirs.phase == Phase::Removed {
            // The node rejoins as another incarnation, at the same address.
            let before = theirs.incarnation;
            return self
                .wait_for_member(before, deadline, |node| {
                    node.http == theirs.http && node.incarnation != before
                })
                .await;
        }
        self.wait_until_member(theirs.incarnation, deadline).await
    }

    pub(super) fn caller(&self) -> CallerIdentity {
        let identity = self.node.identity();
        CallerIdentity {
            from: identity.incarnation,
            identity,
        }
    }

    /// Returns the identity of the node at `addr`. If several nodes answer, prefers one with this
    /// node's cluster name.
    pub(super) async fn identify(&self, addr: &Address) -> Result<Identity, Refusal> {
        let ours = self.node.identity();
        let mut answers = who_is_at(&self.node, addr).await;
        answers.sort_by_key(|answer| {
            answer
                .as_ref()
                .map_or(2, |a| u8::from(a.cluster_name != ours.cluster_name))
        });
        match answers.into_iter().next() {
            Some(Ok(theirs)) => Ok(theirs),
            Some(Err(PollError::WrongSecret | PollError::NoSecretThere)) => {
                Err(Refusal::WrongSecret)
            }
            Some(Err(error @ PollError::NotYet(_))) => {
                let at = addr.clone();
                Err(Refusal::NotYet(NotYet::Poll { at, error }))
            }
            Some(Err(error)) => Err(unreachable(addr, error)),
            None => Err(unreachable(addr, PollError::NAME_UNKNOWN)),
        }
    }

    pub(super) fn check_loopback(&self, theirs: &Identity) -> Result<(), Refusal> {
        let own = self.node.identity().http;
        if own.is_loopback_literal() == theirs.http.is_loopback_literal() {
            return Ok(());
        }
        Err(Refusal::Conflict(MembershipConflict::Loopback {
            own,
            theirs: theirs.http.clone(),
        }))
    }

    pub(super) async fn send(
        &self,
        to: &Identity,
        path: &'static str,
        message: &impl serde::Serialize,
        deadline: Instant,
    ) -> Result<(), Refusal> {
        let ask = PeerRequest::new(path, self.me(), message)
            .meant_for(Some(to.incarnation))
            .until(deadline);
        match self.node.context.exchange.ask(&to.http, ask).await {
            Ok(response) => outcome(&to.http, &response),
            // The node answered at another name, and is asked at the one that it advertises.
            Err(error) if error.is_name_unknown() => {
                let host = to.http.host().to_owned();
                Err(Refusal::Conflict(MembershipConflict::NameUnknownHere {
                    host,
                }))
            }
            Err(error) => Err(unreachable(&to.http, error)),
        }
    }

    pub(super) async fn wait_until_member(
        &self,
        who: Incarnation,
        deadline: Instant,
    ) -> Result<NodeRef, Refusal> {
        self.wait_for_member(who, deadline, |node| node.incarnation == who)
            .await
    }

    /// What a node waits for that is to become a member here. A member that has not asked this node,
    /// which leads, says it only itself.
    fn state_of(&self, who: Incarnation) -> NotYet {
        let waits = self.leader.waiting_reason(who);
        let refused = || self.leader.handle()?.refusals.last(who);
        match (waits, refused()) {
            (Some(waits), _) => NotYet::StillJoining(waits),
            (None, Some(refusal)) => NotYet::StillJoining(refusal.to_string()),
            (None, None) if who == self.me() => NotYet::StillJoining(self.reason()),
            (None, None) => NotYet::NotAsked,
        }
    }

    /// Waits until the catalog here has a meta node for which `is_it` holds. `whom` is the node
    /// that the error tells of when the deadline is near.
    async fn wait_for_member(
        &self,
        whom: Incarnation,
        deadline: Instant,
        is_it: impl Fn(&MetaNode) -> bool,
    ) -> Result<NodeRef, Refusal> {
        loop {
            if let Ok(raft) = self.raft()
                && let Some(node) = raft
                    .applied()
                    .borrow()
                    .catalog
                    .meta_nodes
                    .values()
                    .find(|node| is_it(node))
            {
                return Ok(node_ref(node, no_vote(&raft, node)));
            }
            if let Some(handle) = self.leader.handle()
                && let Some(refusal) = handle.refusals.lasting(whom)
            {
                return Err(refusal);
            }
            if Instant::now() + POLL_INTERVAL >= deadline {
                return Err(Refusal::NotYet(self.state_of(whom)));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// A member that is to vote stays without one while the maximum number of voters votes.
fn no_vote(raft: &Raft, node: &MetaNode) -> Option<JoinNote> {
    let voters = raft.membership().voters;
    let is_full = voters.len() >= MAX_VOTERS && !voters.contains(&node.raft_id);
    is_full.then_some(JoinNote::NoVote {
        voters: voters.len(),
    })
}

fn node_ref(node: &MetaNode, note: Option<JoinNote>) -> NodeRef {
    NodeRef {
        note,
        id: node.id,
        http: node.http.clone(),
        raft: node.raft.clone(),
    }
}

fn elsewhere(addr: &Address, theirs: &Identity) -> Refusal {
    Refusal::Conflict(MembershipConflict::InAnotherCluster {
        at: addr.clone(),
        cluster_id: theirs.cluster_id,
        members: theirs.members.clone(),
    })
}

fn unreachable(at: &Address, error: PollError) -> Refusal {
    let at = at.clone();
    Refusal::Unreachable(Unreachable::Poll { at, error })
}

/// Result of a request that the meta node at `at` answered.
pub(super) fn outcome(at: &Address, response: &PeerResponse) -> Result<(), Refusal> {
    let refusal = || PeerRefusal {
        at: at.clone(),
        status: response.status,
        text: response.read::<ErrorBody>().ok().map(|body| body.error),
    };
    match response.status {
        200 if response.proven => Ok(()),
        200 | 401 => Err(Refusal::WrongSecret),
        409 => Err(Refusal::Conflict(MembershipConflict::Peer(refusal()))),
        503 => Err(Refusal::NotYet(NotYet::Peer(refusal()))),
        _ => Err(Refusal::Unreachable(Unreachable::Answered(refusal()))),
    }
}
