//! Decides which copies must be made before a data node is removed, and from where to where.

use std::sync::Arc;

use super::listing::Reports;
use crate::base::{DurationNanos, NodeId, ShardId, Text, UnixNanos};
use crate::catalog::{Catalog, DataNode, INTERNAL_DATABASE, Located, RetentionPolicy};
use crate::raft::Applied;
use crate::service::{Conflict, DataNodeError, Shortage};
use crate::wire::api::{CopyInProgress, DrainCopy, DrainPlan};
use crate::wire::data_node::ShardOwnerInfo;

/// Time after the end of a shard in which points for it may still be on their way: data nodes learn
/// of the end, and answer batches that they have begun.
const LATE_POINTS_DELAY: DurationNanos = DurationNanos(10 * 1_000_000_000);
/// Maximum number of policies that a refusal names.
const MAX_POLICIES_NAMED: usize = 20;

/// A data node that is to be removed, and all that decides what to copy before.
#[derive(Clone)]
pub(super) struct Drain {
    pub(super) applied: Arc<Applied>,
    pub(super) node: DataNode,
    /// Shards that each data node holds.
    pub(super) reports: Arc<Reports>,
    pub(super) under_way: Vec<CopyInProgress>,
    pub(super) now: UnixNanos,
}

impl Drain {
    /// Checks that all copies can be made.
    ///
    /// # Errors
    /// The reason why not.
    pub(super) fn check(&self) -> Result<(), Conflict> {
        self.check_alone()?;
        self.check_nodes_left()?;
        if self.answers(self.node.id) {
            return Ok(());
        }
        let last = self.catalog().last_copies(self.node.id);
        let mut last = last.filter(|copy| !copy.is_dispensable(self.now));
        match last.next() {
            None => Ok(()),
            Some(first) => Err(Conflict::SilentLastCopies {
                node: self.node.tcp.clone(),
                first: first.shard.id,
                count: 1 + last.count(),
            }),
        }
    }

    /// Checks that no other data node is being drained. A passive data node owns shards only then.
    fn check_alone(&self) -> Result<(), Conflict> {
        let mut others = self.catalog().data_nodes.values();
        let other = others.find(|other| {
            other.id != self.node.id
                && self.catalog().is_passive(other)
                && self.catalog().shards_owned_by(other.id) > 0
        });
        other.map_or(Ok(()), |other| {
            let node = other.tcp.clone();
            Err(Conflict::OtherDrain { node })
        })
    }

    /// Checks that the data nodes that are left are enough for each policy. Data nodes store figures
    /// about themselves in [`INTERNAL_DATABASE`], which nobody would miss.
    fn check_nodes_left(&self) -> Result<(), Conflict> {
        let active = self.catalog().active_data_nodes();
        let left = active.filter(|other| other.id != self.node.id).count();
        let databases = self.catalog().databases.iter();
        let databases =
            databases.filter(|database| database.name.as_bytes() != INTERNAL_DATABASE.as_bytes());
        let mut short = databases
            .flat_map(|database| {
                let policies = database.retention_policies.iter();
                policies.map(|policy| (&database.name, policy))
            })
            .filter(|(_, policy)| copies_wanted(policy) > left)
            .map(|(database, policy)| Shortage {
                database: database.clone(),
                policy: policy.name.clone(),
                copies: policy.replica_n.max(1),
            });
        let first: Vec<Shortage> = short.by_ref().take(MAX_POLICIES_NAMED).collect();
        if first.is_empty() {
            return Ok(());
        }
        Err(Conflict::TooFewNodes {
            node: self.node.tcp.clone(),
            left,
            first,
            more: short.count(),
        })
    }

    /// Returns the next copy, and what is left to do.
    ///
    /// # Errors
    /// None of the copies that are left can be made now.
    pub(super) fn plan(&self) -> Result<DrainPlan, DataNodeError> {
        let mut plan = DrainPlan {
            answers: self.answers(self.node.id),
            ..DrainPlan::default()
        };
        let (mut failed, mut waits) = (None, false);
        for (copy, missing) in self.needed() {
            if self.has_no_points_to_copy(&copy) {
                plan.kept_short += 1;
                continue;
            }
            plan.copies_left += missing;
            let end = copy.group.effective_end().0;
            if end.saturating_add(LATE_POINTS_DELAY.0) > self.now.0 {
                let open_for = end.saturating_sub(self.now.0) / 1_000_000;
                plan.open_shards += 1;
                plan.open_for_ms = plan.open_for_ms.max(u64::try_from(open_for).unwrap_or(0));
            } else if self.is_under_way(copy.shard.id) {
                waits = true;
            } else if plan.next.is_none() {
                match self.copy(&copy) {
                    Ok(next) => plan.next = Some(next),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        match failed {
            Some(error) if plan.next.is_none() && plan.open_shards == 0 && !waits => Err(error),
            _ => Ok(plan),
        }
    }

    /// Returns the shards that would fall below their replication factor, each with the number of
    /// copies that it lacks then.
    fn needed(&self) -> impl Iterator<Item = (Located<'_>, usize)> {
        let copies = self.catalog().copies_of(self.node.id);
        let missed = copies.filter(|copy| !copy.is_dispensable(self.now));
        missed.filter_map(|copy| {
            let missing = copies_wanted(copy.policy).saturating_sub(self.others(&copy).count());
            (missing > 0).then_some((copy, missing))
        })
    }

    /// Whether the data node does not answer, and all other owners answer that they hold nothing of
    /// the shard.
    fn has_no_points_to_copy(&self, copy: &Located<'_>) -> bool {
        let holds_nothing = |owner: NodeId| matches!(self.reports.get(&owner), Some(Ok(held)) if !held.contains_key(&copy.shard.id.0));
        !self.answers(self.node.id) && self.others(copy).all(holds_nothing)
    }

    fn copy(&self, copy: &Located<'_>) -> Result<DrainCopy, DataNodeError> {
        let source = self.source(copy)?;
        let shard = copy.shard.id;
        let nodes = self.catalog().active_data_nodes();
        let free = nodes.filter(|node| {
            node.id != self.node.id
                && !copy.shard.owners.contains(&node.id)
                && self.answers(node.id)
        });
        let dest = free.min_by_key(|node| (self.catalog().shards_owned_by(node.id), node.id));
        let dest = dest.ok_or(DataNodeError::NoDestination { shard })?;
        Ok(DrainCopy {
            source: source.tcp.to_string(),
            dest: dest.tcp.to_string(),
            shard_id: shard,
        })
    }

    /// Returns the data node to copy from: the one that is removed, if it holds the shard, because
    /// it may have points that the other owners lack.
    fn source(&self, copy: &Located<'_>) -> Result<&DataNode, DataNodeError> {
        let shard = copy.shard.id;
        let mut doubt = None;
        for owner in [self.node.id].into_iter().chain(self.others(copy)) {
            match self.held(owner, shard) {
                Ok(Some(_)) => {
                    return Ok(self.catalog().data_nodes.get(&owner).unwrap_or(&self.node));
                }
                Ok(None) => {}
                Err(why) => doubt = doubt.or(Some((owner, why))),
            }
        }
        match doubt {
            Some((owner, why)) => Err(DataNodeError::NoSource {
                shard,
                owner: self.tcp(owner),
                why,
            }),
            // Nobody holds it: `/copy-shard` makes the destination an owner without a copy.
            None => Ok(&self.node),
        }
    }

    /// Returns the report of a data node on its copy.
    ///
    /// # Errors
    /// It does not answer, or cannot read its copy.
    fn held(&self, node: NodeId, shard: ShardId) -> Result<Option<&ShardOwnerInfo>, String> {
        match self.reports.get(&node) {
            Some(Ok(shards)) => match shards.get(&shard.0) {
                Some(held) if !held.err.is_empty() => Err(held.err.clone()),
                held => Ok(held),
            },
            Some(Err(why)) => Err(why.clone()),
            None => Err("not asked".to_owned()),
        }
    }

    /// Owners of a shard beside the data node.
    fn others(&self, copy: &Located<'_>) -> impl Iterator<Item = NodeId> {
        let owners = copy.shard.owners.clone();
        let leaving = self.node.id;
        owners.into_iter().filter(move |owner| *owner != leaving)
    }

    fn answers(&self, node: NodeId) -> bool {
        matches!(self.reports.get(&node), Some(Ok(_)))
    }

    fn is_under_way(&self, shard: ShardId) -> bool {
        self.under_way.iter().any(|copy| copy.shard_id == shard)
    }

    fn tcp(&self, node: NodeId) -> Text {
        let found = self.catalog().data_nodes.get(&node);
        found.map(|node| node.tcp.clone()).unwrap_or_default()
    }

    fn catalog(&self) -> &Catalog {
        &self.applied.catalog
    }
}

fn copies_wanted(policy: &RetentionPolicy) -> usize {
    policy.replica_n.max(1) as usize
}
