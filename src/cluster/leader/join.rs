//! The leader's side of joining and moving (founding.md 6, J1 to J4, and 7): who may come in, and
//! under which name.
//!
//! Nothing that a newcomer says counts before it was called back at the address that it advertises.

use std::sync::Arc;

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::{Catalog, Cluster, MetaNode, Pending};
use crate::cluster::PollError;
use crate::cluster::Refusal;
use crate::cluster::leader::evidence::gather;
use crate::cluster::leader::{LeaderHandle, facts, setup};
use crate::cluster::membership::judge;
use crate::cluster::peers::poll::who_is_at;
use crate::cluster::shared::Shared;
use crate::machine::{AllocateRaftId, Command, MoveMetaNode, Outcome};
use crate::raft::{ProposeError, Raft};
use crate::runtime::lock;
use crate::wire::envelope::Body;
use crate::wire::identity::{Identity, JOINING_LEVEL, Phase};
use crate::wire::joining::{JoinAnswer, JoinRequest, Removed, Wish};

/// As long as a poll of it may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// More at once is a fault, or somebody who means harm: each stays in the catalog until it is in or
/// given up.
const MAX_PENDINGS: usize = 64;

/// A leader at its door.
pub(in crate::cluster) struct JoinHandler<'a> {
    pub(in crate::cluster) shared: &'a Arc<Shared>,
    pub(in crate::cluster) raft: &'a Raft,
    pub(in crate::cluster) leading: LeaderHandle,
    pub(in crate::cluster) deadline: Instant,
}

impl JoinHandler<'_> {
    /// J1 to J4.
    pub(in crate::cluster) async fn join(
        &self,
        request: &JoinRequest,
    ) -> Result<JoinAnswer, Refusal> {
        let theirs = &request.identity;
        let cluster = self.cluster().await?;
        let catalog = self.catalog();
        if let Some(gone) = gone(&catalog, &cluster, theirs) {
            return Err(Refusal::Gone(gone));
        }
        if let Some(node) = catalog.meta_node_by_incarnation(theirs.incarnation) {
            return Ok(self.answer(&cluster, node.raft_id, true, theirs.incarnation));
        }
        check_name(&cluster, theirs)?;
        self.check_address(&theirs.http).await?;
        self.call_back(theirs).await?;
        self.check_place(theirs, request.wish).await?;
        self.allocate(theirs, request.wish).await?;
        let given = self
            .catalog()
            .pendings
            .get(&theirs.incarnation)
            .map(|pending| pending.raft_id);
        let given = given
            .ok_or_else(|| Refusal::NotYet("it was dropped meanwhile; ask again".to_owned()))?;
        self.leading.wake.notify_one();
        Ok(self.answer(&cluster, given, false, theirs.incarnation))
    }

    /// A member has other addresses than the catalog says.
    pub(in crate::cluster) async fn moved(&self, theirs: &Identity) -> Result<(), Refusal> {
        let cluster = self.cluster().await?;
        let catalog = self.catalog();
        if let Some(gone) = gone(&catalog, &cluster, theirs) {
            return Err(Refusal::Gone(gone));
        }
        let node = catalog.meta_node_by_incarnation(theirs.incarnation);
        let node = node.filter(|node| Some(node.raft_id) == theirs.raft_id);
        let node =
            node.ok_or_else(|| Refusal::Conflict("it is no member of this cluster".to_owned()))?;
        self.check_address(&theirs.http).await?;
        self.call_back(theirs).await?;
        let (raft_id, http, raft) = (node.raft_id, theirs.http.clone(), theirs.raft.clone());
        self.propose(Command::MoveMetaNode(MoveMetaNode {
            raft_id,
            http,
            raft,
        }))
        .await
    }

    /// Whose place it is that a member gives up: its own, and it must still be there to say so.
    pub(in crate::cluster) async fn removable_raft_id(
        &self,
        theirs: &Identity,
    ) -> Result<RaftId, Refusal> {
        let cluster = self.cluster().await?;
        let catalog = self.catalog();
        if let Some(gone) = gone(&catalog, &cluster, theirs) {
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
        let raft_id = raft_id
            .ok_or_else(|| Refusal::Conflict("it is no member of this cluster".to_owned()))?;
        self.call_back(theirs).await?;
        Ok(raft_id)
    }

    /// Of a learner by wish, by name: from here on it is to vote.
    pub(in crate::cluster) async fn request_vote(&self, node: &MetaNode) -> Result<(), Refusal> {
        self.cluster().await?;
        let MetaNode {
            incarnation,
            http,
            raft,
            ..
        } = node.clone();
        self.propose(Command::AllocateRaftId(AllocateRaftId {
            incarnation,
            http,
            raft,
            voter: true,
        }))
        .await?;
        self.leading.wake.notify_one();
        Ok(())
    }

    /// This node still leads, and its catalog is current.
    async fn cluster(&self) -> Result<Cluster, Refusal> {
        let barrier = self.raft.barrier(self.deadline).await;
        barrier.map_err(|error| Refusal::NotYet(format!("no leader: {error}")))?;
        let cluster = self.catalog().cluster;
        let cluster =
            cluster.ok_or_else(|| Refusal::NotYet("the cluster is being founded".to_owned()))?;
        if cluster.feature_level < JOINING_LEVEL {
            return Err(Refusal::NotYet(
                "a member still runs a version that cannot read what joining writes: upgrade all members"
                    .to_owned(),
            ));
        }
        Ok(cluster)
    }

    fn catalog(&self) -> Catalog {
        self.raft.applied().borrow().catalog.clone()
    }

    /// A cluster is all loopback or not at all (design.md 4).
    async fn check_address(&self, theirs: &Address) -> Result<(), Refusal> {
        let own = self.shared.identity().http;
        let found = timeout(
            LOOKUP_TIMEOUT,
            self.shared.env.net.resolve(theirs.host(), theirs.port()),
        )
        .await;
        let found = found.ok().and_then(Result::ok).unwrap_or_default();
        // A host name that leads to loopback at home is a name like any other: ours, on the same
        // machine.
        let leads_home = theirs.host() != own.host() && !found.is_empty();
        let leads_home = leads_home && found.iter().all(|at| at.ip().is_loopback());
        if (theirs.is_loopback_literal() || leads_home) == own.is_loopback_literal() {
            return Ok(());
        }
        Err(Refusal::Conflict(format!(
            "a cluster is all loopback or not at all: the leader is {own}, this node {theirs}; set \
             INFLUXDB_HOSTNAME to a name that the others can reach"
        )))
    }

    /// It must answer at its advertised address, and nobody else of our cluster's name with it.
    async fn call_back(&self, theirs: &Identity) -> Result<(), Refusal> {
        let at = &theirs.http;
        let answers = who_is_at(self.shared, at).await;
        let answered = |identity: &Identity| identity.incarnation == theirs.incarnation;
        let Some(now) = answers.iter().flatten().find(|identity| answered(identity)) else {
            return Err(not_there(at, &answers));
        };
        let others = answers
            .iter()
            .flatten()
            .filter(|identity| !answered(identity));
        if let Some(twin) = others
            .into_iter()
            .find(|twin| twin.cluster_name == theirs.cluster_name)
        {
            return Err(Refusal::Conflict(format!(
                "two nodes answer to {at} (incarnations {} and {}): two stacks on one network? give each its own \
                 INFLUXDB_META_CLUSTER_NAME",
                theirs.incarnation, twin.incarnation
            )));
        }
        self.shared.heard(theirs.incarnation);
        let ours = self.shared.record().seat().map(|seat| seat.cluster_id);
        match now.phase {
            Phase::Fresh | Phase::Accepted => Ok(()),
            _ if now.cluster_id == ours => Ok(()),
            phase => Err(Refusal::Conflict(format!(
                "it is {phase:?} elsewhere: cluster {:?}",
                now.cluster_id
            ))),
        }
    }

    /// Replace, judged for the first time; the membership task does it again before it changes
    /// anything.
    async fn check_place(&self, theirs: &Identity, wish: Wish) -> Result<(), Refusal> {
        let catalog = self.catalog();
        if catalog.pendings.contains_key(&theirs.incarnation) {
            return Ok(());
        }
        let newcomer = Pending {
            raft_id: RaftId::default(),
            incarnation: theirs.incarnation,
            http: theirs.http.clone(),
            raft: theirs.raft.clone(),
            voter: wish == Wish::Voter,
        };
        let me = self
            .shared
            .record()
            .seat()
            .map(|seat| seat.raft_id)
            .unwrap_or_default();
        let setup = setup(self.shared, me);
        for old in catalog
            .meta_nodes
            .values()
            .filter(|n| n.http == theirs.http || n.raft == theirs.raft)
        {
            let who = (&newcomer.http, newcomer.incarnation);
            let evidence = gather(
                self.shared,
                self.raft,
                self.leading.since.elapsed(),
                who,
                old,
            )
            .await;
            judge(&setup, &facts(self.shared, self.raft), &newcomer, &evidence)
                .map_err(|in_use| Refusal::Conflict(in_use.to_string()))?;
        }
        Ok(())
    }

    /// J3. What is known already is not proposed again: a joiner asks every second.
    async fn allocate(&self, theirs: &Identity, wish: Wish) -> Result<(), Refusal> {
        let voter = wish == Wish::Voter;
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
            return Err(Refusal::NotYet(format!(
                "{MAX_PENDINGS} nodes are joining already"
            )));
        }
        self.propose(Command::AllocateRaftId(AllocateRaftId {
            incarnation,
            http,
            raft,
            voter,
        }))
        .await
    }

    async fn propose(&self, command: Command) -> Result<(), Refusal> {
        match self.raft.propose(Body::Ours(command), self.deadline).await {
            Ok(Outcome::Applied { .. }) => Ok(()),
            Ok(Outcome::Refused(why)) => Err(Refusal::Conflict(why.to_string())),
            Err(error @ ProposeError::NotLeader { .. }) => Err(Refusal::NotYet(error.to_string())),
            Err(error) => Err(Refusal::NotYet(error.to_string())),
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
        let state = lock(&self.shared.task_states).get(&who).cloned();
        JoinAnswer {
            from: self.shared.record().incarnation,
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

/// What became of an incarnation that is not to speak any more.
pub(in crate::cluster) fn gone(
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
    // Taken out of another cluster: its incarnation is over all the same.
    let elsewhere = || Removed {
        cluster_id,
        cluster_name,
        why: crate::wire::joining::RemovalReason::Removed,
        by: "another cluster".to_owned(),
        at: catalog.last_at,
    };
    (theirs.phase == Phase::Removed).then(elsewhere)
}

fn check_name(cluster: &Cluster, theirs: &Identity) -> Result<(), Refusal> {
    if theirs.cluster_name == cluster.name {
        return Ok(());
    }
    Err(Refusal::Conflict(format!(
        "INFLUXDB_META_CLUSTER_NAME is {:?} at {}, and this cluster was founded as {:?}: set it to that",
        theirs.cluster_name, theirs.http, cluster.name
    )))
}

fn not_there(at: &Address, answers: &[Result<Identity, PollError>]) -> Refusal {
    if let Some(other) = answers.iter().flatten().next() {
        return Refusal::Conflict(format!(
            "another node answers to {at} (incarnation {}): give each node its own name (INFLUXDB_HOSTNAME)",
            other.incarnation
        ));
    }
    match answers.iter().find_map(|answer| answer.as_ref().err()) {
        Some(PollError::WrongSecret) => Refusal::WrongSecret,
        None | Some(PollError::NameUnknown) => Refusal::Conflict(format!(
            "the leader does not know the name {}: set INFLUXDB_HOSTNAME to one that all members can resolve",
            at.host()
        )),
        Some(error) => Refusal::NotYet(format!(
            "the leader does not reach this node at {at}: {error}"
        )),
    }
}
