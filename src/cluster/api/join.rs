//! `/join` (founding.md 8). A cluster that an operator forms goes through the same founding, the
//! same joining and the same membership task as any other.

use std::time::Duration;

use tokio::time::Instant;

use crate::base::{Address, Incarnation};
use crate::catalog::MetaNode;
use crate::cluster::api::cluster_api::{ClusterApi, NodeRef};
use crate::cluster::api::found_promise::FoundingGuard;
use crate::cluster::api::{Cluster, POLL_INTERVAL};
use crate::cluster::identity::record::MembershipState;
use crate::cluster::node::senders::NodeOrder;
use crate::cluster::peers::exchange::{PeerRequest, PeerResponse, PollError};
use crate::cluster::peers::poll::who_is_at;
use crate::cluster::refusal::{MembershipConflict, NotYet, PeerRefusal, Refusal, Unreachable};

use crate::wire::api::ErrorBody;
use crate::wire::identity::{Identity, Phase};
use crate::wire::joining::{CallerIdentity, FORM, INVITE, Invite, PROMISE};

/// Timeout for getting a promise. A promise holds for 10 s, and founding takes 1 s or 2 s.
const PROMISE_TIMEOUT: Duration = Duration::from_secs(2);

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

    /// Forms a cluster, on a fresh node: alone when `addr` is its own, else with another fresh
    /// node. The node with the lower incarnation founds and invites the other.
    async fn form(&self, addr: &Address, deadline: Instant) -> Result<NodeRef, Refusal> {
        let theirs = self.identify(addr).await?;
        let me = self.me();
        if theirs.incarnation == me {
            let guard = self.found_promises.begin(me)?;
            return self.found_alone(guard, deadline).await;
        }
        self.check_loopback(&theirs)?;
        self.check_fresh(addr, &theirs)?;
        if theirs.incarnation < me {
            return self.ask_to_form(&theirs, deadline).await;
        }
        let guard = self.found_promises.begin(me)?;
        // The promise expires, and this node must not found after that.
        let promise_deadline = deadline.min(Instant::now() + PROMISE_TIMEOUT);
        let caller = self.caller();
        self.send(&theirs, PROMISE, &caller, promise_deadline)
            .await?;
        self.found_alone(guard, deadline).await?;
        self.invite(&theirs, deadline).await
    }

    /// Asks the node with the lower incarnation to found, and returns its answer.
    async fn ask_to_form(&self, theirs: &Identity, deadline: Instant) -> Result<NodeRef, Refusal> {
        let asked = self.send(theirs, FORM, &self.caller(), deadline).await;
        if let Err(refusal @ (Refusal::Conflict(_) | Refusal::WrongSecret)) = asked {
            return Err(refusal);
        }
        match (
            self.wait_until_member(theirs.incarnation, deadline).await,
            asked,
        ) {
            (Ok(node), _) => Ok(node),
            (Err(_), Err(refusal)) | (Err(refusal), Ok(())) => Err(refusal),
        }
    }

    async fn found_alone(
        &self,
        mut guard: FoundingGuard<'_>,
        deadline: Instant,
    ) -> Result<NodeRef, Refusal> {
        guard.founds();
        self.node.senders.order(NodeOrder::FoundAlone);
        self.wait_until_member(self.me(), deadline).await
    }

    /// Adds the node at `addr` to this member's cluster.
    async fn add(&self, addr: &Address, deadline: Instant) -> Result<NodeRef, Refusal> {
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
            return Ok(node_ref(node));
        }
        let join_handler = self.join_handler(&raft, deadline)?;
        if let Some(node) = node {
            join_handler.mark_as_future_voter(&node).await?;
            return Ok(node_ref(&node));
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
                return Ok(node_ref(node));
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

    /// Promises another node, which is about to found, that this node does not found for a while
    /// (founding.md 8).
    pub(super) fn promise(&self) -> Result<(), Refusal> {
        let record = self.node.state.record();
        if !self.is_manual() || !matches!(record.standing, MembershipState::Fresh) {
            return Err(Refusal::NotYet(NotYet::NotManual));
        }
        self.found_promises.promise(self.me())
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
    async fn identify(&self, addr: &Address) -> Result<Identity, Refusal> {
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

    fn check_loopback(&self, theirs: &Identity) -> Result<(), Refusal> {
        let own = self.node.identity().http;
        if own.is_loopback_literal() == theirs.http.is_loopback_literal() {
            return Ok(());
        }
        Err(Refusal::Conflict(MembershipConflict::Loopback {
            own,
            theirs: theirs.http.clone(),
        }))
    }

    fn check_fresh(&self, addr: &Address, theirs: &Identity) -> Result<(), Refusal> {
        let own = self.node.identity().http;
        match theirs.phase {
            Phase::Fresh if theirs.list.is_empty() => Ok(()),
            Phase::Fresh | Phase::Accepted => Err(Refusal::Conflict(MembershipConflict::HasPeers(
                addr.clone(),
            ))),
            Phase::Started | Phase::Joining | Phase::Member => {
                Err(Refusal::Conflict(MembershipConflict::InACluster {
                    at: addr.clone(),
                    cluster_id: theirs.cluster_id,
                    members: theirs.members.clone(),
                    own,
                }))
            }
            Phase::Removed => Err(Refusal::Conflict(MembershipConflict::RemovedThere {
                at: addr.clone(),
                own,
            })),
        }
    }

    async fn send(
        &self,
        to: &Identity,
        path: &'static str,
        message: &impl serde::Serialize,
        deadline: Instant,
    ) -> Result<(), Refusal> {
        let ask = PeerRequest::new(path, self.me(), message)
            .meant_for(Some(to.incarnation))
            .until(deadline);
        let response = self.node.context.exchange.ask(&to.http, ask).await;
        outcome(
            &to.http,
            &response.map_err(|error| unreachable(&to.http, error))?,
        )
    }

    async fn wait_until_member(
        &self,
        who: Incarnation,
        deadline: Instant,
    ) -> Result<NodeRef, Refusal> {
        self.wait_for_member(who, deadline, |node| node.incarnation == who)
            .await
    }

    fn state_of(&self, who: Incarnation) -> String {
        let state = self.leader.waiting_reason(who);
        state.unwrap_or_else(|| self.reason())
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
                return Ok(node_ref(node));
            }
            if Instant::now() + POLL_INTERVAL >= deadline {
                return Err(Refusal::NotYet(NotYet::StillJoining(self.state_of(whom))));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

fn node_ref(node: &MetaNode) -> NodeRef {
    NodeRef {
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
