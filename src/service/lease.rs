//! Work leases (wire.md 9): one data node at a time does what all of them could.
//!
//! Invariant: two holders never overlap, whoever leads. Only a change of holder is replicated. How
//! long a holder may work is told from before the leadership was confirmed, and a new leader counts
//! the last holder as just renewed: its lease, as the new leader sees it, ends after any that an
//! older leader can have granted.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::data_nodes::{OLDER, confirm_leader};
use super::error::BadRequest;
use super::leader::not_leader;
use super::renewals::{Renewals, Renewed};
use super::{Error, NotLeader, Refusal, Service};
use crate::base::{Name, NodeId, UnixNanos};
use crate::catalog::DATA_LEVEL;
use crate::machine::{Command, Outcome, Refused};
use crate::raft::{Raft, Role};
use crate::wire::api::Lease;
use crate::wire::envelope::Body;

/// What came of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    Granted(Lease),
    /// Of the other holder.
    Held(Lease),
}

impl Service {
    /// Grants or renews a lease, for `lease-duration`.
    ///
    /// # Errors
    /// Nobody was granted anything.
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
        // Also of a renewal: a leader that was deposed meanwhile has nothing to grant.
        confirm_leader(raft, deadline).await?;
        // Deposed and elected again in between: others may have decided meanwhile.
        if raft.status().term != term {
            return Err(NotLeader::default().into());
        }
        let applied = raft.applied().borrow().clone();
        if applied.catalog.feature_level() < DATA_LEVEL {
            return Err(Refusal::NotYet(OLDER.to_owned()).into());
        }
        // It would keep the lease from those that can work: one that was removed, or (0) has not
        // joined yet.
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
            let command = Command::SetLeaseHolder {
                lease: name.clone(),
                holder: node,
                term,
            };
            match raft.propose(Body::Ours(command), deadline).await? {
                Outcome::Applied { .. } => {}
                Outcome::Refused(Refused::LeaseOfAnotherTerm) => {
                    return Err(NotLeader::default().into());
                }
                Outcome::Refused(refused) => return Err(BadRequest::Refused(refused).into()),
            }
        }
        known.insert(name.clone(), Renewed { term, at: asked });
        let left = (asked + self.config.lease_duration).saturating_duration_since(Instant::now());
        // Frozen for longer than that in the middle: a later leader may have granted it to another.
        if left.is_zero() {
            return Err(NotLeader::default().into());
        }
        Ok(Acquired::Granted(self.lease(name, node, left)))
    }

    /// Its end as a wall clock shows it: data nodes print it, and count on nothing but the status.
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
