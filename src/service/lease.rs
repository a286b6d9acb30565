//! Work leases (wire.md 9): one data node at a time does work that all of them could do.
//!
//! Invariant: there are never two holders at the same time, whichever node leads. Only a change of
//! holder is replicated. A lease is counted from before the leadership was confirmed, and a new
//! leader counts the last holder as just renewed: as the new leader counts, that lease ends later
//! than any that an older leader can have granted.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::data_nodes::confirm_leader;
use super::error::BadRequest;
use super::leader::not_leader;
use super::renewals::{Renewals, Renewed};
use super::{Error, NotLeader, Refusal, Service};
use crate::base::{Name, NodeId, UnixNanos};
use crate::catalog::DATA_LEVEL;
use crate::cluster::NotYet;
use crate::machine::{InternalCommand, Outcome, Refused};
use crate::raft::{Raft, Role};
use crate::wire::api::Lease;
use crate::wire::envelope::Body;

/// Result of a request for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    Granted(Lease),
    /// Another data node holds the lease.
    Held(Lease),
}

impl Service {
    /// Grants or renews a lease, for `lease-duration`.
    ///
    /// # Errors
    /// Nothing was granted.
    pub async fn acquire_lease(
        &self,
        name: &Name,
        node: NodeId,
        deadline: Instant,
    ) -> Result<Acquired, Error> {
        let raft = self.raft()?;
        if raft.status().role != Role::Leader {
            return Err(not_leader(&raft));
        }
        let decided = timeout_at(deadline, async {
            let mut known = self.renewals.lock().await;
            self.decide(&raft, &mut known, name, node, deadline).await
        });
        decided
            .await
            .unwrap_or(Err(Error::NoLeader { reachable: None }))
    }

    async fn decide(
        &self,
        raft: &Raft,
        known: &mut Renewals,
        name: &Name,
        node: NodeId,
        deadline: Instant,
    ) -> Result<Acquired, Error> {
        let (term, asked) = (raft.status().term, Instant::now());
        // Needed for a renewal too: a leader that was deposed meanwhile has nothing to grant.
        confirm_leader(raft, deadline).await?;
        // Deposed and elected again in between: another leader may have granted the lease
        // meanwhile.
        if raft.status().term != term {
            return Err(NotLeader::default().into());
        }
        let applied = raft.applied().borrow().clone();
        if applied.catalog.feature_level() < DATA_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("data nodes")).into());
        }
        // Such a node would keep the lease from those that can work. It was removed, or (id 0) has
        // not joined yet.
        if !applied.catalog.data_nodes.contains_key(&node) {
            return Err(BadRequest::NotADataNode { id: node }.into());
        }
        let holder = applied.catalog.leases.get(name).copied();
        let renewed = known
            .get(name)
            .filter(|renewed| renewed.term == term)
            .map_or(asked, |known| known.at);
        if let Some(holder) = holder.filter(|holder| *holder != node) {
            let left =
                (renewed + self.config.lease_duration).saturating_duration_since(Instant::now());
            known.insert(name.clone(), Renewed { term, at: renewed });
            if !left.is_zero() {
                return Ok(Acquired::Held(self.lease(name, holder, left)));
            }
        }
        if holder != Some(node) {
            let command = InternalCommand::SetLeaseHolder {
                lease: name.clone(),
                holder: node,
                term,
            };
            match raft.propose(Body::Internal(command), deadline).await? {
                Outcome::Applied { .. } => {}
                Outcome::Refused(Refused::LeaseOfAnotherTerm) => {
                    return Err(NotLeader::default().into());
                }
                Outcome::Refused(refused) => return Err(BadRequest::Refused(refused).into()),
            }
        }
        known.insert(name.clone(), Renewed { term, at: asked });
        let left = (asked + self.config.lease_duration).saturating_duration_since(Instant::now());
        // This process was paused for longer than that: a later leader may have granted the lease
        // to another node.
        if left.is_zero() {
            return Err(NotLeader::default().into());
        }
        Ok(Acquired::Granted(self.lease(name, node, left)))
    }

    /// Gives the end of the lease by the wall clock. Data nodes print it, and rely on the status
    /// only.
    fn lease(&self, name: &Name, owner: NodeId, left: Duration) -> Lease {
        let left = i64::try_from(left.as_nanos()).unwrap_or(i64::MAX);
        let expiration = UnixNanos(self.env.clock.now().0.saturating_add(left)).to_string();
        Lease {
            name: name.to_string(),
            expiration,
            owner,
        }
    }
}
