//! What other meta nodes ask of this one, besides its identity (founding.md 6 to 8): JSON in,
//! status and JSON out.

use std::net::IpAddr;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::base::Incarnation;
use crate::cluster::identity::record::MembershipState;
use crate::cluster::leader::join::{JoinHandler, gone};
use crate::cluster::shared::NodeOrder;
use crate::cluster::{Cluster, Refusal};
use crate::raft::{Raft, Role};
use crate::wire::identity::{Identity, Phase};
use crate::wire::joining::{
    Caller, Done, FORM, INVITE, Invite, JOIN, JoinRequest, LEAVE, MOVED, PROMISE, REMOVED, Refused,
    RemovedHint,
};

impl Cluster {
    /// Answers a request of another meta node on one of the paths of [`crate::wire::joining`]:
    /// status and JSON body. `None`: only the leader can answer it, and this node does not lead.
    /// `from` is where the caller asks from: whoever says what it is may be polled there soon
    /// (founding.md 3.3).
    pub async fn answer(
        &self,
        path: &str,
        body: &[u8],
        from: IpAddr,
        deadline: Instant,
    ) -> Option<(u16, Bytes)> {
        let answered = match path {
            JOIN => self.on_join(body, from, deadline).await,
            MOVED => self.on_moved(body, from, deadline).await,
            LEAVE => self.on_leave(body, deadline).await,
            FORM => self.on_form(body, deadline).await,
            PROMISE => self.on_promise(body),
            INVITE => self.on_invite(body),
            REMOVED => self.on_removed(body),
            _ => Err(Refusal::Bad(format!("unknown path: {path}"))),
        };
        match answered {
            Ok(None) => None,
            Ok(Some(body)) => Some((200, body)),
            Err(refusal) => Some((refusal.status(), self.refused(refusal))),
        }
    }

    fn refused(&self, refusal: Refusal) -> Bytes {
        let (error, from) = (refusal.to_string(), self.me());
        let removed = if let Refusal::Gone(removed) = refusal {
            Some(removed)
        } else {
            None
        };
        json(&Refused {
            error,
            from,
            removed,
        })
    }

    pub(in crate::cluster) fn me(&self) -> Incarnation {
        self.shared.record().incarnation
    }

    fn done(&self) -> Option<Bytes> {
        Some(json(&Done { from: self.me() }))
    }

    async fn on_join(&self, body: &[u8], from: IpAddr, deadline: Instant) -> Answered {
        let request: JoinRequest = read(body)?;
        check_sender(request.from, &request.identity)?;
        self.hint(&request.identity, from);
        let raft = self.open_raft()?;
        // Final wherever it is applied: the one who asks need not wait for a leader to hear it.
        // Except to come back: that only a leader allows. One look, taken and let go: a second one
        // beside it would wait for a writer that waits for the first.
        let catalog = raft.applied().borrow().catalog.clone();
        if request.identity.phase != Phase::Removed
            && let Some(cluster) = &catalog.cluster
            && let Some(removed) = gone(&catalog, cluster, &request.identity)
        {
            return Err(Refusal::Gone(removed));
        }
        let Some(join_handler) = self.join_handler(&raft, deadline)? else {
            return Ok(None);
        };
        Ok(Some(json(&join_handler.join(&request).await?)))
    }

    async fn on_moved(&self, body: &[u8], from: IpAddr, deadline: Instant) -> Answered {
        let theirs = caller(body)?;
        self.hint(&theirs, from);
        let raft = self.open_raft()?;
        let Some(join_handler) = self.join_handler(&raft, deadline)? else {
            return Ok(None);
        };
        join_handler.moved(&theirs).await?;
        Ok(self.done())
    }

    async fn on_leave(&self, body: &[u8], deadline: Instant) -> Answered {
        let theirs = caller(body)?;
        let raft = self.open_raft()?;
        let Some(join_handler) = self.join_handler(&raft, deadline)? else {
            return Ok(None);
        };
        let raft_id = join_handler.removable_raft_id(&theirs).await?;
        let by = format!("`influxd-ctl leave` at {}", theirs.http);
        self.remove_member(&raft, raft_id, false, &by, deadline)
            .await?;
        Ok(self.done())
    }

    async fn on_form(&self, body: &[u8], deadline: Instant) -> Answered {
        let theirs = caller(body)?;
        // `None`: it follows another leader by now, who is asked instead.
        Ok(self
            .join(&theirs.http, deadline)
            .await?
            .and_then(|_| self.done()))
    }

    fn on_promise(&self, body: &[u8]) -> Answered {
        caller(body)?;
        self.promise()?;
        Ok(self.done())
    }

    /// A node that belongs to nothing, or that is to come back, asks those members for a place.
    fn on_invite(&self, body: &[u8]) -> Answered {
        let invite: Invite = read(body)?;
        if invite.to != self.me() {
            return Err(Refusal::Conflict(
                "the invitation is for another incarnation; ask again".to_owned(),
            ));
        }
        let join_only = self.shared.config.bootstrap_expect == Some(0);
        let config = &self.shared.config;
        let alone = config.peers.is_empty() && !self.is_manual();
        match &self.shared.record().standing {
            // As a fresh node it would found at once, by itself, before it could ask.
            MembershipState::Removed { .. } if alone => {
                return Err(Refusal::Conflict(
                    "this node is configured to found alone (-single-server, or bootstrap-expect = 1): take that off, \
                     restart it, then `influxd-ctl add-meta`"
                        .to_owned(),
                ));
            }
            MembershipState::Fresh if self.is_manual() || join_only => {
                self.shared.send_order(NodeOrder::Invited(invite))
            }
            MembershipState::Removed { .. } => self.shared.send_order(NodeOrder::Invited(invite)),
            MembershipState::Fresh => {
                let reason = self.view().reason.clone();
                return Err(Refusal::Conflict(format!(
                    "auto-join in progress: {reason}"
                )));
            }
            MembershipState::Started { seat, .. }
            | MembershipState::Joining { seat, .. }
            | MembershipState::Member { seat, .. }
                if seat.cluster_id == invite.cluster_id => {}
            _ => return Err(Refusal::Conflict("a member of another cluster".to_owned())),
        }
        Ok(self.done())
    }

    fn on_removed(&self, body: &[u8]) -> Answered {
        let hint: RemovedHint = read(body)?;
        if hint.incarnation == self.me() {
            self.shared.send_order(NodeOrder::Suspect);
        }
        Ok(self.done())
    }

    pub(in crate::cluster) fn open_raft(&self) -> Result<Raft, Refusal> {
        self.raft()
            .map_err(|not_member| Refusal::NotYet(not_member.reason))
    }

    /// `None`: this node does not lead.
    pub(in crate::cluster) fn join_handler<'a>(
        &'a self,
        raft: &'a Raft,
        deadline: Instant,
    ) -> Result<Option<JoinHandler<'a>>, Refusal> {
        match self.shared.leader_handle() {
            Some(leading) => Ok(Some(JoinHandler {
                shared: &self.shared,
                raft,
                leading,
                deadline,
            })),
            None if raft.status().role == Role::Leader => Err(Refusal::NotYet(
                "no leader: a new one is taking over".to_owned(),
            )),
            None => Ok(None),
        }
    }
}

/// `None`: not the leader.
type Answered = Result<Option<Bytes>, Refusal>;

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Bad(format!("the body is not what it should be: {error}")))
}

/// What most of them carry: who asks, as it is now.
fn caller(body: &[u8]) -> Result<Identity, Refusal> {
    let Caller { from, identity } = read(body)?;
    check_sender(from, &identity)?;
    Ok(identity)
}

/// The proof covers `from`; the identity must be that node's own.
fn check_sender(from: Incarnation, identity: &Identity) -> Result<(), Refusal> {
    if identity.incarnation == from {
        return Ok(());
    }
    Err(Refusal::Bad("the identity is not the sender's".to_owned()))
}

pub(in crate::cluster) fn json(value: &impl Serialize) -> Bytes {
    // Only maps with keys that are no strings could fail, and there is none.
    serde_json::to_vec(value).unwrap_or_default().into()
}
