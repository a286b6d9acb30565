//! The leader's side of joining and moving (founding.md J1, founding.md 7): whether a node may
//! join, and under which Raft id.
//!
//! Nothing that a new node says counts before it was polled at the address that it advertises.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, timeout};

use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::{Catalog, Cluster, MetaNode, Pending};
use crate::cluster::leader::evidence::gather;
use crate::cluster::leader::facts::{facts, setup};
use crate::cluster::leader::state::{LeaderHandle, LeaderState};
use crate::cluster::membership::judge;
use crate::cluster::node::handle::NodeHandle;
use crate::cluster::peers::exchange::PollError;
use crate::cluster::peers::poll::who_is_at;
use crate::cluster::refusal::{MembershipConflict, NotYet, Refusal};

use crate::machine::{AllocateRaftId, InternalCommand, MoveMetaNode, Outcome};
use crate::raft::Raft;
use crate::wire::envelope::Body;
use crate::wire::identity::{Identity, JOINING_LEVEL, Phase};
use crate::wire::joining::{JoinAnswer, JoinRequest, JoinRole, RemovalReason, Removed};

/// Timeout for the look-up of a new node's name; as long as a poll may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of pending nodes. More at once is a fault or an attack: each stays in the catalog
/// until it is a member or dropped.
const MAX_PENDINGS: usize = 64;

/// One request to a leader, about joining, moving, leaving or voting.
pub(in crate::cluster) struct JoinHandler<'a> {
    pub(in crate::cluster) node: &'a NodeHandle,
    pub(in crate::cluster) leader: &'a LeaderState,
    pub(in crate::cluster) raft: &'a Raft,
    pub(in crate::cluster) handle: LeaderHandle,
    pub(in crate::cluster) deadline: Instant,
}

impl JoinHandler<'_> {
    /// Gives the new node a Raft id (founding.md J1 to J4). A refusal is noted, for the operator who
    /// waits for the node.
    pub(in crate::cluster) async fn join(
        &self,
        request: &JoinRequest,
    ) -> Result<JoinAnswer, Refusal> {
        let answer = self.judge_join(request).await;
        let who = request.identity.incarnation;
        self.handle.refusals.note(who, answer.as_ref().err());
        answer
    }

    async fn judge_join(&self, request: &JoinRequest) -> Result<JoinAnswer, Refusal> {
        let theirs = &request.identity;
        let cluster = self.cluster().await?;
        let catalog = self.catalog();
        if let Some(gone) = removal_of(&catalog, &cluster, theirs) {
            return Err(Refusal::Gone(gone));
        }
        if let Some(node) = catalog.meta_node_by_incarnation(theirs.incarnation) {
            return Ok(self.answer(&cluster, node.raft_id, true, theirs.incarnation));
        }
        check_name(&cluster, theirs)?;
        self.check_address(&theirs.http).await?;
        self.call_back(theirs).await?;
        self.check_place(theirs, request.role).await?;
        self.allocate(theirs, request.role).await?;
        let given = self
            .catalog()
            .pendings
            .get(&theirs.incarnation)
            .map(|pending| pending.raft_id);
        let given = given.ok_or(Refusal::NotYet(NotYet::Dropped))?;
        self.handle.wake.notify_one();
        Ok(self.answer(&cluster, given, false, theirs.incarnation))
    }

    /// Records the new addresses of a member.
    pub(in crate::cluster) async fn moved(&self, theirs: &Identity) -> Result<(), Refusal> {
        let cluster = self.cluster().await?;
        let catalog = self.catalog();
        if let Some(gone) = removal_of(&catalog, &cluster, theirs) {
            return Err(Refusal::Gone(gone));
        }
        let node = catalog.meta_node_by_incarnation(theirs.incarnation);
        let node = node.filter(|node| Some(node.raft_id) == theirs.raft_id);
        let node = node.ok_or(Refusal::Conflict(MembershipConflict::NotAMember))?;
        self.check_address(&theirs.http).await?;
        self.call_back(theirs).await?;
        let (raft_id, http, raft) = (node.raft_id, theirs.http.clone(), theirs.raft.clone());
        self.propose(InternalCommand::MoveMetaNode(MoveMetaNode {
            raft_id,
            http,
            raft,
        }))
        .await
    }

    /// Returns the Raft id of a member or a pending that wants to leave. The caller must still
    /// answer at its address.
    pub(in crate::cluster) async fn removable_raft_id(
        &self,
        theirs: &Identity,
    ) -> Result<RaftId, Refusal> {
        let cluster = self.cluster().await?;
        let catalog = self.catalog();
        if let Some(gone) = removal_of(&catalog, &cluster, theirs) {
            return Err(Refusal::Gone(gone));
        }
        let member = catalog
            .meta_node_by_incarnation(theirs.incarnation)
            .map(|node| node.raft_id);
        let pending = || {
            catalog
                .pendings
                .get(&theirs.incarnation)
                .map(|pending| pending.raft_id)
        };
        let raft_id = member.or_else(pending);
        let raft_id = raft_id.ok_or(Refusal::Conflict(MembershipConflict::NotAMember))?;
        self.call_back(theirs).await?;
        Ok(raft_id)
    }

    /// Records that a learner that did not want to vote is to vote: an operator added it by name.
    /// The membership task promotes it later.
    pub(in crate::cluster) async fn mark_as_future_voter(
        &self,
        node: &MetaNode,
    ) -> Result<(), Refusal> {
        self.cluster().await?;
        let MetaNode {
            incarnation,
            http,
            raft,
            ..
        } = node.clone();
        self.propose(InternalCommand::AllocateRaftId(AllocateRaftId {
            incarnation,
            http,
            raft,
            voter: true,
        }))
        .await?;
        self.handle.wake.notify_one();
        Ok(())
    }

    /// Returns the cluster, once it is certain that this node still leads and its catalog is
    /// current.
    async fn cluster(&self) -> Result<Cluster, Refusal> {
        let barrier = self.raft.barrier(self.deadline).await;
        barrier.map_err(|error| Refusal::NotYet(NotYet::Barrier(error)))?;
        let cluster = self.catalog().cluster;
        let cluster = cluster.ok_or(Refusal::NotYet(NotYet::BeingFounded))?;
        if cluster.feature_level < JOINING_LEVEL {
            return Err(Refusal::NotYet(NotYet::JoiningUnknown));
        }
        Ok(cluster)
    }

    fn catalog(&self) -> Catalog {
        self.raft.applied().borrow().catalog.clone()
    }

    /// Refuses a new node at a loopback address in a cluster that is not at loopback addresses, and
    /// the reverse: a loopback address leads to another node on every host. Names are judged by what
    /// they resolve to here: in `/etc/hosts`, all names of a cluster may lead to loopback.
    async fn check_address(&self, theirs: &Address) -> Result<(), Refusal> {
        let own = self.node.identity().http;
        let is_loopback = self.is_loopback(theirs).await?;
        // The own name leads to loopback on many hosts, whatever address others use for it.
        if theirs.host() == own.host() || is_loopback == own.is_loopback_literal() {
            return Ok(());
        }
        if is_loopback && self.is_all_loopback(&own).await? {
            return Ok(());
        }
        Err(Refusal::Conflict(MembershipConflict::LoopbackAtLeader {
            leader: own,
            theirs: theirs.clone(),
        }))
    }

    /// Whether the names of all members, `own` included, lead to loopback here.
    async fn is_all_loopback(&self, own: &Address) -> Result<bool, Refusal> {
        let members = self.catalog().meta_nodes;
        let names = members.values().map(|node| &node.http).chain([own]);
        let judged = try_join_all(names.map(|http| self.is_loopback(http))).await?;
        Ok(judged.into_iter().all(|is_loopback| is_loopback))
    }

    /// Whether the host is a loopback address, or its name leads only to such addresses here.
    ///
    /// # Errors
    /// The look-up takes too long. It goes on, and the next request has its result.
    async fn is_loopback(&self, at: &Address) -> Result<bool, Refusal> {
        if at.is_loopback_literal() {
            return Ok(true);
        }
        let net = &self.node.context.env.net;
        let found = timeout(LOOKUP_TIMEOUT, net.resolve(at.host(), at.port())).await;
        let found = found.map_err(|_| {
            let (at, error) = (at.clone(), PollError::LookupTimeout);
            Refusal::NotYet(NotYet::LeaderCannotReach { at, error })
        })?;
        // A name that is not known here is judged by the call-back.
        let found = found.unwrap_or_default();
        Ok(!found.is_empty() && found.iter().all(|socket| socket.ip().is_loopback()))
    }

    /// Polls the caller: it must answer at its advertised address, and no other node with the same
    /// cluster name may answer there.
    async fn call_back(&self, theirs: &Identity) -> Result<(), Refusal> {
        let at = &theirs.http;
        let answers = who_is_at(self.node, at).await;
        let answered = |identity: &Identity| identity.incarnation == theirs.incarnation;
        let Some(now) = answers.iter().flatten().find(|identity| answered(identity)) else {
            return Err(not_there(at, &answers));
        };
        let others = answers
            .iter()
            .flatten()
            .filter(|identity| !answered(identity));
        if let Some(duplicate) = others
            .into_iter()
            .find(|other| other.cluster_name == theirs.cluster_name)
        {
            return Err(Refusal::Conflict(MembershipConflict::DuplicateName {
                at: at.clone(),
                one: theirs.incarnation,
                other: duplicate.incarnation,
            }));
        }
        self.node.heard.note(theirs.incarnation);
        let ours = self.node.state.record().seat().map(|seat| seat.cluster_id);
        match now.phase {
            Phase::Fresh | Phase::Accepted => Ok(()),
            _ if now.cluster_id == ours => Ok(()),
            phase => Err(Refusal::Conflict(MembershipConflict::Elsewhere {
                phase,
                cluster_id: now.cluster_id,
            })),
        }
    }

    /// Judges for the first time whether the new node may replace the holders of its addresses. The
    /// membership task judges again before it changes anything.
    async fn check_place(&self, theirs: &Identity, role: JoinRole) -> Result<(), Refusal> {
        let catalog = self.catalog();
        if catalog.pendings.contains_key(&theirs.incarnation) {
            return Ok(());
        }
        let newcomer = Pending {
            raft_id: RaftId::default(),
            incarnation: theirs.incarnation,
            http: theirs.http.clone(),
            raft: theirs.raft.clone(),
            voter: role == JoinRole::Voter,
        };
        let setup = setup(self.node);
        for old in catalog
            .meta_nodes
            .values()
            .filter(|n| n.http == theirs.http || n.raft == theirs.raft)
        {
            let who = (&newcomer.http, newcomer.incarnation);
            let evidence =
                gather(self.node, self.raft, self.handle.since.elapsed(), who, old).await;
            judge(&setup, &facts(self.node, self.raft), &newcomer, &evidence)
                .map_err(|in_use| Refusal::Conflict(MembershipConflict::InUse(in_use)))?;
        }
        Ok(())
    }

    /// Proposes `AllocateRaftId` (founding.md J3), unless the catalog has this pending already: a
    /// joiner asks again and again.
    async fn allocate(&self, theirs: &Identity, role: JoinRole) -> Result<(), Refusal> {
        let voter = role == JoinRole::Voter;
        let (incarnation, http, raft) =
            (theirs.incarnation, theirs.http.clone(), theirs.raft.clone());
        if let Some(pending) = self.catalog().pendings.get(&incarnation)
            && pending.http == http
            && pending.raft == raft
            && (pending.voter || !voter)
        {
            return Ok(());
        }
        if self.catalog().pendings.len() >= MAX_PENDINGS {
            return Err(Refusal::NotYet(NotYet::ManyPendings(MAX_PENDINGS)));
        }
        self.propose(InternalCommand::AllocateRaftId(AllocateRaftId {
            incarnation,
            http,
            raft,
            voter,
        }))
        .await
    }

    async fn propose(&self, command: InternalCommand) -> Result<(), Refusal> {
        match self
            .raft
            .propose(Body::Internal(command), self.deadline)
            .await
        {
            Ok(Outcome::Applied { .. }) => Ok(()),
            Ok(Outcome::Refused(why)) => Err(Refusal::Conflict(MembershipConflict::Command(why))),
            Err(error) => Err(Refusal::NotYet(NotYet::Proposal(error))),
        }
    }

    fn answer(
        &self,
        cluster: &Cluster,
        raft_id: RaftId,
        member: bool,
        who: Incarnation,
    ) -> JoinAnswer {
        let waits = || "the leader will look at it in a moment".to_owned();
        let state = self.leader.waiting_reason(who);
        JoinAnswer {
            from: self.node.state.incarnation(),
            cluster_id: cluster.id,
            cluster_name: cluster.name.clone(),
            raft_id,
            members: self
                .catalog()
                .meta_nodes
                .values()
                .map(|node| node.http.clone())
                .collect(),
            member,
            state: state.unwrap_or_else(|| if member { String::new() } else { waits() }),
        }
    }
}

/// Removal of this incarnation, from this cluster or from another one; `None` if it was not
/// removed.
pub(in crate::cluster) fn removal_of(
    catalog: &Catalog,
    cluster: &Cluster,
    theirs: &Identity,
) -> Option<Removed> {
    let (cluster_id, cluster_name) = (cluster.id, cluster.name.clone());
    if let Some(tombstone) = catalog.tombstones.get(&theirs.incarnation) {
        let (why, by, at) = (tombstone.why.into(), tombstone.by.clone(), tombstone.at);
        return Some(Removed {
            cluster_id,
            cluster_name,
            why,
            by,
            at,
        });
    }
    // Removed from another cluster: this incarnation must not be used again either.
    let elsewhere = || Removed {
        cluster_id,
        cluster_name,
        why: RemovalReason::Removed,
        by: "another cluster".to_owned(),
        at: catalog.last_at,
    };
    (theirs.phase == Phase::Removed).then(elsewhere)
}

fn check_name(cluster: &Cluster, theirs: &Identity) -> Result<(), Refusal> {
    if theirs.cluster_name == cluster.name {
        return Ok(());
    }
    Err(Refusal::Conflict(MembershipConflict::OtherClusterName {
        at: theirs.http.clone(),
        theirs: theirs.cluster_name.clone(),
        founded: cluster.name.clone(),
    }))
}

fn not_there(at: &Address, answers: &[Result<Identity, PollError>]) -> Refusal {
    if let Some(other) = answers.iter().flatten().next() {
        return Refusal::Conflict(MembershipConflict::OtherNodeAnswers {
            at: at.clone(),
            incarnation: other.incarnation,
        });
    }
    match answers.iter().find_map(|answer| answer.as_ref().err()) {
        Some(PollError::WrongSecret | PollError::NoSecretThere) => Refusal::WrongSecret,
        Some(error) if !error.is_name_unknown() => Refusal::NotYet(NotYet::LeaderCannotReach {
            at: at.clone(),
            error: error.clone(),
        }),
        None | Some(_) => Refusal::Conflict(MembershipConflict::NameUnknownToLeader {
            host: at.host().to_owned(),
        }),
    }
}
