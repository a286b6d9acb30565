//! `GET /show-shards`: from local state, with the data nodes' reports on their copies where the
//! caller asks for these.

use futures_util::future::join_all;
use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{Error, Service};
use crate::base::{NodeId, ShardGroupId, ShardId, UnixNanos};
use crate::catalog::{Catalog, DataNode, Database, RetentionPolicy, Shard, ShardGroup};
use crate::service::data_nodes::{QUICK_ANSWER_TIMEOUT, address_of};
use crate::wire::api::ShardInfo;
use crate::wire::data_node::{ShardOwnerInfo, Shards};

/// Go's zero time.
const NEVER: &str = "0001-01-01T00:00:00Z";
const NOT_FOUND: &str = "not found";
const NOT_IN_CATALOG: &str = "not in the catalog";

/// Selection of shards, and of details.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardFilter {
    /// Ask the data nodes for the state of each copy.
    pub verbose: bool,
    /// Include shards of groups that are past their retention.
    pub expired: bool,
    /// Only shards that are in the catalog and not on the data node, or the reverse.
    pub inconsistent: bool,
}

/// `None` when there are none: the wire has `null` then.
pub type ShardInfos = Option<Vec<ShardInfo>>;

/// Report of each data node on its copies, or the reason why there is none.
type Answers = BTreeMap<NodeId, Result<Shards, String>>;

impl Service {
    /// Lists shards in the order of databases, policies, groups and shards.
    ///
    /// # Errors
    /// This node belongs to no cluster.
    pub async fn show_shards(&self, filter: ShardFilter) -> Result<ShardInfos, Error> {
        let applied = self.raft()?.applied().borrow().clone();
        let catalog = &applied.catalog;
        let now = self.env.clock.now();
        let mut shards = list(catalog, |policy, group| {
            !group.is_deleted() && (filter.expired || !is_expired(policy, group, now))
        });
        if filter.verbose || filter.inconsistent {
            let answers = self.list_all_shards(catalog).await;
            shards
                .iter_mut()
                .flat_map(|shard| {
                    shard
                        .owners
                        .iter_mut()
                        .map(|owner| (shard.id, owner))
                        .collect::<Vec<_>>()
                })
                .for_each(|(id, owner)| fill(owner, id, &answers));
            if filter.inconsistent {
                shards.retain(|shard| shard.owners.iter().any(|owner| owner.err == NOT_FOUND));
                shards.extend(unlisted_copies(catalog, &answers));
            }
        }
        Ok((!shards.is_empty()).then_some(shards))
    }

    async fn list_all_shards(&self, catalog: &Catalog) -> Answers {
        let deadline = Instant::now() + QUICK_ANSWER_TIMEOUT;
        let ask = async |node: DataNode| {
            let answer = match address_of(&node) {
                Ok(at) => self
                    .data_nodes
                    .list_shards(&at, deadline)
                    .await
                    .map_err(|failed| failed.text()),
                Err(error) => Err(error.to_string()),
            };
            (node.id, answer)
        };
        join_all(catalog.data_nodes.values().cloned().map(ask))
            .await
            .into_iter()
            .collect()
    }
}

fn is_expired(policy: &RetentionPolicy, group: &ShardGroup, now: UnixNanos) -> bool {
    policy.duration.0 != 0 && group.end.0.saturating_add(policy.duration.0) < now.0
}

fn list(
    catalog: &Catalog,
    shows: impl Fn(&RetentionPolicy, &ShardGroup) -> bool,
) -> Vec<ShardInfo> {
    let mut all = Vec::new();
    for database in catalog.databases.iter() {
        for policy in &database.retention_policies {
            for group in policy
                .shard_groups
                .iter()
                .filter(|group| shows(policy, group))
            {
                all.extend(
                    group
                        .shards
                        .iter()
                        .map(|shard| info(catalog, database, policy, group, shard)),
                );
            }
        }
    }
    all
}

fn info(
    catalog: &Catalog,
    database: &Database,
    policy: &RetentionPolicy,
    group: &ShardGroup,
    shard: &Shard,
) -> ShardInfo {
    let expires =
        (policy.duration.0 != 0).then(|| UnixNanos(group.end.0.saturating_add(policy.duration.0)));
    ShardInfo {
        id: shard.id,
        database: database.name.to_string(),
        retention_policy: policy.name.to_string(),
        replica_n: policy.replica_n,
        shard_group_id: group.id,
        start_time: group.start.to_string(),
        end_time: group.end.to_string(),
        expire_time: or_never(expires),
        truncated_at: or_never(group.truncated_at),
        owners: shard
            .owners
            .iter()
            .map(|owner| owner_without_details(catalog, *owner))
            .collect(),
    }
}

fn or_never(at: Option<UnixNanos>) -> String {
    at.map_or_else(|| NEVER.to_owned(), |at| at.to_string())
}

/// Describes an owner by the catalog. A node that is not in the catalog has no address
/// (wire.md Q24).
fn owner_without_details(catalog: &Catalog, id: NodeId) -> ShardOwnerInfo {
    ShardOwnerInfo {
        id,
        tcp_addr: catalog
            .data_nodes
            .get(&id)
            .map(|node| node.tcp.to_string())
            .unwrap_or_default(),
        state: String::new(),
        last_modified: NEVER.to_owned(),
        size: 0,
        err: String::new(),
    }
}

/// Fills in the data node's report on a copy. Without an answer it is not known whether the node
/// has the shard.
fn fill(owner: &mut ShardOwnerInfo, id: ShardId, answers: &Answers) {
    match answers.get(&owner.id) {
        Some(Ok(shards)) => match shards.get(&id.0) {
            Some(held) => {
                owner.state.clone_from(&held.state);
                owner.last_modified.clone_from(&held.last_modified);
                owner.size = held.size;
                owner.err.clone_from(&held.err);
            }
            None => owner.err = NOT_FOUND.to_owned(),
        },
        Some(Err(why)) => owner.err.clone_from(why),
        None => owner.err = NOT_FOUND.to_owned(),
    }
}

/// Returns copies on data nodes that are not in the catalog. Copies of deleted groups are left out:
/// they are being deleted.
fn unlisted_copies(catalog: &Catalog, answers: &Answers) -> Vec<ShardInfo> {
    let mut all = Vec::new();
    for (node, shards) in answers {
        for (id, held) in shards.iter().flatten() {
            let located = catalog.shard(ShardId(*id));
            let is_known = located
                .is_some_and(|found| found.group.is_deleted() || found.shard.owners.contains(node));
            if !is_known {
                let owner = ShardOwnerInfo {
                    err: NOT_IN_CATALOG.to_owned(),
                    ..held.clone()
                };
                all.push(unlisted(ShardId(*id), owner));
            }
        }
    }
    all
}

fn unlisted(id: ShardId, owner: ShardOwnerInfo) -> ShardInfo {
    ShardInfo {
        id,
        database: String::new(),
        retention_policy: String::new(),
        replica_n: 0,
        shard_group_id: ShardGroupId(0),
        start_time: NEVER.to_owned(),
        end_time: NEVER.to_owned(),
        expire_time: NEVER.to_owned(),
        truncated_at: NEVER.to_owned(),
        owners: vec![owner],
    }
}
