//! `/join` at a fresh node without `peers` (founding.md 8.1). The asked node founds, once the other
//! one has promised not to, and then adds it.

use std::time::Duration;

use tokio::time::Instant;

use crate::base::{Address, Incarnation};
use crate::cluster::api::cluster_api::NodeRef;
use crate::cluster::api::{Cluster, POLL_INTERVAL};
use crate::cluster::founding::PromiseRefusal;
use crate::cluster::identity::record::MembershipState;
use crate::cluster::node::senders::NodeOrder;
use crate::cluster::refusal::{MembershipConflict, NotYet, Refusal};
use crate::wire::identity::{Identity, Phase};
use crate::wire::joining::PROMISE;

/// Timeout for getting a promise. A promise holds for 10 s, and the node that gave it needs 3 s after
/// a restart before it may found: by then this one has founded, and invites it.
const PROMISE_TIMEOUT: Duration = Duration::from_secs(2);

impl Cluster {
    /// Forms a cluster on this node, which waits for an operator, and adds the node at `addr`. If
    /// another node founds meanwhile and invites this one, goes on as its member.
    pub(super) async fn form(&self, addr: &Address, deadline: Instant) -> Result<NodeRef, Refusal> {
        while let Err(refusal) = self.try_to_found(addr, deadline).await {
            if !matches!(refusal, Refusal::NotYet(_)) {
                return Err(refusal);
            }
            wait_to_retry(refusal, deadline).await?;
        }
        loop {
            match self.add(addr, deadline).await {
                // The node answered a moment ago: it may be restarting.
                Err(refusal @ (Refusal::NotYet(_) | Refusal::Unreachable(_))) => {
                    wait_to_retry(refusal, deadline).await?;
                }
                // It has become a member by this order.
                added => return added.map(|node| NodeRef { note: None, ..node }),
            }
        }
    }

    /// Returns when this node is a member.
    async fn try_to_found(&self, addr: &Address, deadline: Instant) -> Result<(), Refusal> {
        let me = self.me();
        if !matches!(self.node.state.record().standing, MembershipState::Fresh) {
            return self.wait_until_member(me, deadline).await.map(drop);
        }
        let guard = match self.found_promises.ask(me) {
            Ok(guard) => guard,
            // An order that did not fit into the queue is given again.
            Err(PromiseRefusal::Founding) => return self.found_alone(deadline).await,
            Err(refusal) => return Err(Refusal::NotYet(not_asking(refusal))),
        };
        let theirs = self.identify(addr).await?;
        if theirs.incarnation != me {
            self.check_loopback(&theirs)?;
            self.check_fresh(addr, &theirs)?;
            // The promise expires, and this node must not found after that.
            let promise_deadline = deadline.min(Instant::now() + PROMISE_TIMEOUT);
            self.send(&theirs, PROMISE, &self.caller(), promise_deadline)
                .await?;
        }
        if !guard.found(me) {
            return Err(Refusal::NotYet(NotYet::PromisedNotToFound));
        }
        self.found_alone(deadline).await
    }

    async fn found_alone(&self, deadline: Instant) -> Result<(), Refusal> {
        self.node.senders.order(NodeOrder::FoundAlone);
        self.wait_until_member(self.me(), deadline).await.map(drop)
    }

    /// Promises the node `to`, which is about to found, that this node does not found for a while.
    pub(super) fn promise(&self, to: Incarnation) -> Result<(), Refusal> {
        let record = self.node.state.record();
        if !self.is_manual() || !matches!(record.standing, MembershipState::Fresh) {
            return Err(Refusal::NotYet(NotYet::NotManual));
        }
        let given = self.found_promises.promise(self.me(), to);
        given.map_err(|refusal| {
            Refusal::NotYet(match refusal {
                PromiseRefusal::Promised => NotYet::HasPromised,
                PromiseRefusal::Quiet | PromiseRefusal::Asking | PromiseRefusal::Founding => {
                    NotYet::AboutToFound
                }
            })
        })
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
}

/// Waits a moment before the next attempt.
///
/// # Errors
/// The refusal, if no time is left.
async fn wait_to_retry(refusal: Refusal, deadline: Instant) -> Result<(), Refusal> {
    if Instant::now() + POLL_INTERVAL >= deadline {
        return Err(refusal);
    }
    tokio::time::sleep(POLL_INTERVAL).await;
    Ok(())
}

/// Reason why this node does not ask for a promise now.
fn not_asking(refusal: PromiseRefusal) -> NotYet {
    match refusal {
        PromiseRefusal::Quiet => NotYet::JustStarted,
        PromiseRefusal::Asking | PromiseRefusal::Founding => NotYet::AnotherRequest,
        PromiseRefusal::Promised => NotYet::PromisedNotToFound,
    }
}
