//! Requests of other meta nodes, besides those for the identity (founding.md 6 to 8): JSON in,
//! status and JSON out.

use std::net::IpAddr;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::base::Incarnation;
use crate::cluster::api::Cluster;
use crate::cluster::api::cluster_api::ClusterApi;
use crate::cluster::identity::record::MembershipState;
use crate::cluster::leader::join::{JoinHandler, removal_of};
use crate::cluster::leader::state::LeaderHandle;
use crate::cluster::node::senders::NodeOrder;
use crate::cluster::refusal::{BadPeerRequest, MembershipConflict, NotYet, Refusal};

use crate::raft::{Raft, Role};
use crate::wire::identity::{Identity, Phase};
use crate::wire::joining::{
    CallerIdentity, Done, FORM, INVITE, Invite, JOIN, JoinRequest, LEAVE, LeaveRequest, MOVED,
    PROMISE, REMOVED, RefusedBody, RemovedHint,
};

impl Cluster {
    /// [`ClusterApi::answer`].
    pub(super) async fn answer_peer(
        &self,
        path: &str,
        body: &[u8],
        from: IpAddr,
        deadline: Instant,
    ) -> Result<(u16, Bytes), Refusal> {
        let answered = match path {
            JOIN => self.on_join(body, from, deadline).await,
            MOVED => self.on_moved(body, from, deadline).await,
            LEAVE => self.on_leave(body, deadline).await,
            FORM => self.on_form(body, deadline).await,
            PROMISE => self.on_promise(body),
            INVITE => self.on_invite(body),
            REMOVED => self.on_removed(body),
            _ => Err(Refusal::Bad(BadPeerRequest::UnknownPath {
                path: path.to_owned(),
            })),
        };
        match answered {
            Ok(body) => Ok((200, body)),
            Err(Refusal::NotLeader) => Err(Refusal::NotLeader),
            Err(refusal) => Ok((refusal.status(), self.refused(refusal))),
        }
    }

    fn refused(&self, refusal: Refusal) -> Bytes {
        let (error, from) = (refusal.to_string(), self.me());
        let removed = if let Refusal::Gone(removed) = refusal {
            Some(removed)
        } else {
            None
        };
        json(&RefusedBody {
            error,
            from,
            removed,
        })
    }

    fn done(&self) -> Bytes {
        json(&Done { from: self.me() })
    }

    async fn on_join(
        &self,
        body: &[u8],
        from: IpAddr,
        deadline: Instant,
    ) -> Result<Bytes, Refusal> {
        let request: JoinRequest = read(body)?;
        check_sender(request.from, &request.identity)?;
        self.hint(&request.identity, from);
        let raft = self.open_raft()?;
        // A tombstone is final on every node that has applied it: the caller need not wait for a
        // leader. Only a leader lets a removed node rejoin. The catalog is cloned, so that the
        // lock of `applied` is not taken twice: a second reader would wait for a writer that waits
        // for the first.
        let catalog = raft.applied().borrow().catalog.clone();
        if request.identity.phase != Phase::Removed
            && let Some(cluster) = &catalog.cluster
            && let Some(removed) = removal_of(&catalog, cluster, &request.identity)
        {
            return Err(Refusal::Gone(removed));
        }
        let join_handler = self.join_handler(&raft, deadline)?;
        Ok(json(&join_handler.join(&request).await?))
    }

    async fn on_moved(
        &self,
        body: &[u8],
        from: IpAddr,
        deadline: Instant,
    ) -> Result<Bytes, Refusal> {
        let theirs = caller(body)?;
        self.hint(&theirs, from);
        let raft = self.open_raft()?;
        let join_handler = self.join_handler(&raft, deadline)?;
        join_handler.moved(&theirs).await?;
        Ok(self.done())
    }

    async fn on_leave(&self, body: &[u8], deadline: Instant) -> Result<Bytes, Refusal> {
        let LeaveRequest { from, identity, by } = read(body)?;
        check_sender(from, &identity)?;
        let raft = self.open_raft()?;
        let join_handler = self.join_handler(&raft, deadline)?;
        let raft_id = join_handler.removable_raft_id(&identity).await?;
        let by = by.unwrap_or_else(|| format!("POST /leave at {}", identity.http));
        self.remove_member(&raft, raft_id, false, &by, deadline)
            .await?;
        Ok(self.done())
    }

    async fn on_form(&self, body: &[u8], deadline: Instant) -> Result<Bytes, Refusal> {
        let theirs = caller(body)?;
        self.add_or_form(&theirs.http, deadline).await?;
        Ok(self.done())
    }

    fn on_promise(&self, body: &[u8]) -> Result<Bytes, Refusal> {
        let theirs = caller(body)?;
        self.promise(theirs.incarnation)?;
        Ok(self.done())
    }

    /// Takes an invitation, on a node that is in no cluster or that was removed: it then asks the
    /// members of the inviting cluster for a Raft id.
    fn on_invite(&self, body: &[u8]) -> Result<Bytes, Refusal> {
        let invite: Invite = read(body)?;
        if invite.to != self.me() {
            return Err(Refusal::Conflict(MembershipConflict::OtherIncarnation));
        }
        let config = &self.node.context.config;
        let join_only = config.bootstrap_expect == Some(0);
        let alone = config.peers.is_empty() && !self.is_manual();
        let senders = &self.node.senders;
        match &self.node.state.record().standing {
            // A fresh node would found at once here, before it could ask.
            MembershipState::Removed { .. } if alone => {
                return Err(Refusal::Conflict(MembershipConflict::FoundsAlone));
            }
            MembershipState::Fresh if self.is_manual() || join_only => {
                senders.order(NodeOrder::Invited(invite))
            }
            MembershipState::Removed { .. } => senders.order(NodeOrder::Invited(invite)),
            MembershipState::Fresh => {
                return Err(Refusal::Conflict(MembershipConflict::AutoJoin(
                    self.node.state.not_member(),
                )));
            }
            MembershipState::Started { seat, .. }
            | MembershipState::Joining { seat, .. }
            | MembershipState::Member { seat, .. }
                if seat.cluster_id == invite.cluster_id => {}
            _ => return Err(Refusal::Conflict(MembershipConflict::MemberOfAnother)),
        }
        Ok(self.done())
    }

    fn on_removed(&self, body: &[u8]) -> Result<Bytes, Refusal> {
        let hint: RemovedHint = read(body)?;
        if hint.incarnation == self.me() {
            self.node.senders.order(NodeOrder::Suspect);
        }
        Ok(self.done())
    }

    /// # Errors
    /// `NotLeader`, or this node leads and is not ready yet.
    fn leader_handle(&self, raft: &Raft) -> Result<LeaderHandle, Refusal> {
        match self.leader.handle() {
            Some(handle) => Ok(handle),
            None if raft.status().role == Role::Leader => Err(Refusal::NotYet(NotYet::NewLeader)),
            None => Err(Refusal::NotLeader),
        }
    }

    /// # Errors
    /// Those of [`Self::leader_handle`].
    pub(super) fn check_leads(&self, raft: &Raft) -> Result<(), Refusal> {
        self.leader_handle(raft).map(drop)
    }

    /// # Errors
    /// Those of [`Self::leader_handle`].
    pub(super) fn join_handler<'a>(
        &'a self,
        raft: &'a Raft,
        deadline: Instant,
    ) -> Result<JoinHandler<'a>, Refusal> {
        Ok(JoinHandler {
            node: &self.node,
            leader: &self.leader,
            raft,
            handle: self.leader_handle(raft)?,
            deadline,
        })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Bad(BadPeerRequest::Body(error.to_string())))
}

/// Decodes a body that is the caller's identity.
fn caller(body: &[u8]) -> Result<Identity, Refusal> {
    let CallerIdentity { from, identity } = read(body)?;
    check_sender(from, &identity)?;
    Ok(identity)
}

/// Checks that the identity is the sender's. The proof covers `from` only.
fn check_sender(from: Incarnation, identity: &Identity) -> Result<(), Refusal> {
    if identity.incarnation == from {
        return Ok(());
    }
    Err(Refusal::Bad(BadPeerRequest::NotTheSender))
}

fn json(value: &impl Serialize) -> Bytes {
    // Only maps with keys that are no strings could fail, and there is none.
    serde_json::to_vec(value).unwrap_or_default().into()
}
