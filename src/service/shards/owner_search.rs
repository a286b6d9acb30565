//! Owners for restored shards (wire.md Q34). A restore brings shards without owners, and the data
//! node that then stores their data reports it to no meta node. So the leader asks all data nodes
//! for the shards that they hold, until each shard has an owner. After an hour the shards that no
//! data node holds are given to any, because points of a shard without owners cannot be written.
//!
//! The removal of a data node leaves no shard without owners from [`OWNERS_LEVEL`] on. Older
//! clusters may have such shards. Below that level the search passes over them if they look like
//! removed ones: their group is truncated, and other shards of it have owners.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{Error, Service, address_of};
use crate::base::{NodeId, ShardId, UnixNanos};
use crate::catalog::{Catalog, DATA_LEVEL, OWNERS_LEVEL, ShardGroup};
use crate::machine::{InternalCommand, ShardCopy, WireCommand};
use crate::raft::{Applied, Raft, Role};
use crate::service::data_nodes::QUICK_ANSWER_TIMEOUT;

const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum pause between two searches. The pause doubles from 2 s while nothing is found: lists of
/// shards may be long.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Timeout of a search: terabytes may come out of a backup in this time. No data node holds a shard
/// that never had a point.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(3600);

/// Searches as long as the service lives.
pub(in crate::service) async fn find_owners(service: Weak<Service>) {
    let mut search = OwnerSearch::new();
    loop {
        sleep(CHECK_INTERVAL).await;
        let Some(service) = service.upgrade() else {
            return;
        };
        let leads = |raft: &Raft| raft.status().role == Role::Leader;
        match service.raft().ok().filter(leads) {
            Some(raft) => search.visit(&service, &raft).await,
            None => search = OwnerSearch::new(),
        }
    }
}

struct OwnerSearch {
    /// Shards that no data node is known to hold, and the count of changes of the databases when
    /// that was found.
    lacking: BTreeSet<ShardId>,
    changes: Option<u64>,
    since: Instant,
    next: Instant,
    pause: Duration,
    /// Whether the data nodes were asked at least once.
    has_asked: bool,
    gave_up: bool,
}

impl OwnerSearch {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            lacking: BTreeSet::new(),
            changes: None,
            since: now,
            next: now,
            pause: CHECK_INTERVAL,
            has_asked: false,
            gave_up: false,
        }
    }

    async fn visit(&mut self, service: &Service, raft: &Raft) {
        let applied = raft.applied().borrow().clone();
        if applied.catalog.feature_level() < DATA_LEVEL {
            return;
        }
        self.update(service, &applied).await;
        if self.is_over(&applied.catalog, service.env.clock.now()) {
            return assign_owners(service, raft, self.lacking.len()).await;
        }
        let now = Instant::now();
        if self.lacking.is_empty() || now < self.next || self.gave_up {
            return;
        }
        if applied.catalog.feature_level() < OWNERS_LEVEL && now >= self.since + SEARCH_TIMEOUT {
            return self.give_up();
        }
        self.has_asked = true;
        self.next = now + self.pause;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        let held = copies_held(service, &applied.catalog).await;
        let owners = move || owners_of_restored(&applied.catalog, &held);
        for copy in service.env.tasks.blocking(owners).await {
            let given = service
                .change(raft, WireCommand::CopyShardOwner(copy), service.deadline())
                .await;
            match given {
                Ok(()) => {
                    tracing::info!(
                        event = "restored-shard", shard = %copy.shard, node = %copy.node,
                        "a restored shard has an owner: this data node holds it"
                    );
                }
                // The next leader starts a search of its own.
                Err(Error::NotLeader(_)) => return,
                // A data node or a shard was removed meanwhile: the others still get their owners.
                Err(Error::DataNode(why)) => {
                    tracing::debug!(
                        event = "restored-shard", shard = %copy.shard, node = %copy.node, %why,
                        "not an owner"
                    );
                }
                // Nothing can be proposed now: each of the others would wait as long and fail as
                // well.
                Err(error) => {
                    tracing::warn!(
                        event = "restored-shard", %error,
                        "restored shards wait for their owners"
                    );
                    return;
                }
            }
        }
    }

    /// Returns whether the search that the catalog knows of is over: no shard lacks owners, or the
    /// data nodes had an hour.
    fn is_over(&self, catalog: &Catalog, now: UnixNanos) -> bool {
        let Some(since) = catalog.owners_sought_since else {
            return false;
        };
        let age = now.0.saturating_sub(since.0);
        let is_late =
            u64::try_from(age).is_ok_and(|age| Duration::from_nanos(age) >= SEARCH_TIMEOUT);
        self.lacking.is_empty() || (self.has_asked && is_late)
    }

    fn give_up(&mut self) {
        self.gave_up = true;
        tracing::warn!(
            event = "restored-shard",
            shards = self.lacking.len(),
            "restored shards are held by no data node: their spans cannot be written; drop them if \
             nothing is to come"
        );
    }

    /// Starts a new search when a further restore brought shards.
    async fn update(&mut self, service: &Service, applied: &Arc<Applied>) {
        let changes = Some(applied.catalog.databases.changes());
        if self.changes == changes {
            return;
        }
        self.changes = changes;
        let applied = applied.clone();
        let lacking =
            move || -> BTreeSet<_> { restored(&applied.catalog).flat_map(ownerless).collect() };
        let lacking = service.env.tasks.blocking(lacking).await;
        if !lacking.is_subset(&self.lacking) {
            *self = Self {
                changes,
                ..Self::new()
            };
        }
        self.lacking = lacking;
    }
}

/// Ends the search: each shard that still lacks owners gets one, without data.
async fn assign_owners(service: &Service, raft: &Raft, lacking: usize) {
    let assign = InternalCommand::AssignOwners;
    match service.change(raft, assign, service.deadline()).await {
        Ok(()) if lacking == 0 => {}
        Ok(()) => tracing::warn!(
            event = "assigned-shards",
            shards = lacking,
            "shards that no data node holds have owners now: they can be written, their old points \
             are missing"
        ),
        // The next leader ends the search.
        Err(Error::NotLeader(_)) => {}
        Err(error) => tracing::warn!(
            event = "assigned-shards", %error,
            "shards without owners are not assigned yet"
        ),
    }
}

/// Returns the groups whose shards without owners may be held by data nodes.
fn restored(catalog: &Catalog) -> impl Iterator<Item = &ShardGroup> {
    let policies = catalog
        .databases
        .iter()
        .flat_map(|database| &database.retention_policies);
    let groups = policies.flat_map(|policy| policy.shard_groups.iter());
    groups.filter(|group| {
        let untouched = group.shards.iter().all(|shard| shard.owners.is_empty());
        let is_restored = all_are_sought(catalog) || group.truncated_at.is_none() || untouched;
        !group.is_deleted() && is_restored
    })
}

fn ownerless(group: &ShardGroup) -> impl Iterator<Item = ShardId> {
    group
        .shards
        .iter()
        .filter(|shard| shard.owners.is_empty())
        .map(|shard| shard.id)
}

type Held = BTreeMap<ShardId, Vec<NodeId>>;

/// Returns the data nodes that hold each shard on disk. A data node that does not answer is asked
/// the next time.
async fn copies_held(service: &Service, catalog: &Catalog) -> Held {
    let asked = catalog
        .data_nodes
        .values()
        .filter(|node| !catalog.is_passive(node))
        .map(|node| async {
            let at = address_of(node).ok()?;
            let held = service
                .data_nodes
                .list_shards(&at, Instant::now() + QUICK_ANSWER_TIMEOUT)
                .await
                .ok()?;
            let sound = held.into_iter().filter(|(_, shard)| shard.err.is_empty());
            Some((
                node.id,
                sound.map(|(id, _)| ShardId(id)).collect::<Vec<_>>(),
            ))
        });
    let mut held = Held::new();
    for (node, shards) in join_all(asked).await.into_iter().flatten() {
        shards
            .into_iter()
            .for_each(|shard| held.entry(shard).or_default().push(node));
    }
    held
}

fn all_are_sought(catalog: &Catalog) -> bool {
    catalog.feature_level() >= OWNERS_LEVEL
}

/// Returns the owners to add. Below [`OWNERS_LEVEL`] a truncated group gets all of its owners at once: with some it looks
/// like a group that lost the others.
fn owners_of_restored(catalog: &Catalog, held: &Held) -> Vec<ShardCopy> {
    let whole = |group: &&ShardGroup| {
        all_are_sought(catalog)
            || group.truncated_at.is_none()
            || ownerless(group).all(|shard| held.contains_key(&shard))
    };
    let copies = |shard: ShardId| {
        let nodes = held.get(&shard).into_iter().flatten();
        nodes.map(move |node| ShardCopy { shard, node: *node })
    };
    restored(catalog)
        .filter(whole)
        .flat_map(ownerless)
        .flat_map(copies)
        .collect()
}
