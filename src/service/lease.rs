//! Work leases (wire.md 9): one data node at a time does what all of them could.
//!
//! Invariant: two holders never overlap, whoever leads. Only a change of holder is replicated. How
//! long a holder may work is told from before the leadership was confirmed, and a new leader counts
//! the last holder as just renewed: its lease, as the new leader sees it, ends after any that an
//! older leader can have granted.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::data_nodes::confirmed;
use super::{Error, Refusal, Service};
use crate::base::{Name, NodeId, UnixNanos};
use crate::catalog::DATA_LEVEL;
use crate::cluster::NotYet;
use crate::machine::{Command, Outcome, Refused};
use crate::raft::{Raft, Role};
use crate::wire::api::Lease;
use crate::wire::envelope::Body;

/// When each lease was last granted or renewed here, and in which term: what was known in an older
/// term is void. The lock is held while one is decided, so that two who ask at once do not both get
/// it.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<Name, Renewed>>);

#[derive(Clone, Copy)]
struct Renewed {
    term: u64,
    at: Instant,
}

/// What came of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    Granted(Lease),
    /// Of the other holder.
    Held(Lease),
}

impl Service {
    /// Grants or renews a lease, for `lease-duration`; `None`: the leader has to be asked.
    ///
    /// # Errors
    /// Nobody was granted anything.
    pub async fn acquire_lease(
        &self,
        name: &Name,
        node: NodeId,
        deadline: Instant,
    ) -> Result<Option<Acquired>, Error> {
        let raft = self.raft()?;
        if raft.status().role != Role::Leader {
            return Ok(None);
        }
        let decided = timeout_at(deadline, async {
            let mut known = self.leases.0.lock().await;
            self.decide(&raft, &mut known, name, node, deadline).await
        });
        decided
            .await
            .unwrap_or(Err(Error::NoLeader { reachable: None }))
    }

    async fn decide(
        &self,
        raft: &Raft,
        known: &mut HashMap<Name, Renewed>,
        name: &Name,
        node: NodeId,
        deadline: Instant,
    ) -> Result<Option<Acquired>, Error> {
        let (term, asked) = (raft.status().term, Instant::now());
        // Also of a renewal: a leader that was deposed meanwhile has nothing to grant.
        if !confirmed(raft, deadline).await? {
            return Ok(None);
        }
        // Deposed and elected again in between: others may have decided meanwhile.
        if raft.status().term != term {
            return Ok(None);
        }
        let applied = raft.applied().borrow().clone();
        if applied.catalog.feature_level() < DATA_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("data nodes")).into());
        }
        // It would keep the lease from those that can work: one that was removed, or (0) has not
        // joined yet.
        if !applied.catalog.data_nodes.contains_key(&node) {
            return Err(Error::Bad(format!(
                "node {node} is no data node of this cluster"
            )));
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
                return Ok(Some(Acquired::Held(self.lease(name, holder, left))));
            }
        }
        if holder != Some(node) {
            let command = Command::SetLeaseHolder {
                lease: name.clone(),
                holder: node,
                term,
            };
            match raft.propose(Body::Ours(command), deadline).await {
                Ok(Outcome::Applied { .. }) => {}
                Ok(Outcome::Refused(Refused::LeaseOfAnotherTerm)) => return Ok(None),
                Ok(Outcome::Refused(why)) => return Err(Error::Bad(why.to_string())),
                Err(error) => return Error::from_proposal(error).map_or(Ok(None), Err),
            }
        }
        known.insert(name.clone(), Renewed { term, at: asked });
        let left = (asked + self.config.lease_duration).saturating_duration_since(Instant::now());
        // Frozen for longer than that in the middle: a later leader may have granted it to another.
        if left.is_zero() {
            return Ok(None);
        }
        Ok(Some(Acquired::Granted(self.lease(name, node, left))))
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
