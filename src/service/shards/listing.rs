//! The bytes of `GET /show-shards`, page by page. A page is made from the catalog when it is to be
//! sent, so that a list costs the memory of a page, whatever number of shards it has.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::ShardFilter;
use crate::base::{NodeId, ShardGroupId, ShardId, UnixNanos};
use crate::catalog::{Catalog, Database, RetentionPolicy, ShardGroup};
use crate::raft::Applied;
use crate::wire::data_node::{ShardOwnerInfo, Shards};
use crate::wire::go_json;
use crate::wire::shard_rows::{OwnerAddress, OwnerRow, ShardRow};

/// Size at which a page ends. A page may be larger by one shard.
const PAGE_BYTES: usize = 64 << 10;

const NOT_FOUND: &str = "not found";
const NOT_IN_CATALOG: &str = "not in the catalog";

/// Report of each data node on its copies, or the reason why there is none.
pub(super) type Reports = BTreeMap<NodeId, Result<Shards, String>>;

/// Everything that decides the bytes of a list.
pub(super) struct Listing {
    pub(super) applied: Arc<Applied>,
    pub(super) filter: ShardFilter,
    /// Time at which groups are past their retention or not.
    pub(super) now: UnixNanos,
    /// Empty unless the filter asks for them.
    pub(super) reports: Reports,
}

/// Start of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    position: Position,
    /// Whether no shard stands before it.
    is_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Listed(Listed),
    /// Next copy that a data node reported: only those that are not in the catalog are shown.
    Unlisted {
        node: NodeId,
        shard: u64,
    },
}

/// Next shard of the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Listed {
    /// Insertion number.
    database: u64,
    /// Index in the database.
    policy: usize,
    /// Last group that is complete.
    after: Option<ShardGroupId>,
    /// Index in the next group.
    shard: usize,
}

impl Cursor {
    pub(super) const START: Self = Self {
        position: Position::Listed(Listed {
            database: 0,
            policy: 0,
            after: None,
            shard: 0,
        }),
        is_first: true,
    };
}

impl Listing {
    /// Makes a page. Returns also the start of the next one, if there is one. Blocks for as long as
    /// it takes to find the shards that are shown.
    pub(super) fn page(&self, start: Cursor) -> (Bytes, Option<Cursor>) {
        let mut page = Page {
            bytes: Vec::with_capacity(PAGE_BYTES + (1 << 10)),
            is_first: start.is_first,
        };
        let next = self.fill(start.position, &mut page);
        match next {
            Some(_) => {}
            // The wire has `null` for no shards.
            None if page.is_first => page.bytes.extend_from_slice(b"null\n"),
            None => page.bytes.extend_from_slice(b"]\n"),
        }
        let next = next.map(|position| Cursor {
            position,
            is_first: page.is_first,
        });
        (page.bytes.into(), next)
    }

    /// Returns where the page ended, or `None` at the end of the list.
    fn fill(&self, from: Position, page: &mut Page) -> Option<Position> {
        let (node, shard) = match from {
            Position::Listed(from) => match self.listed(from, page) {
                Some(full) => return Some(Position::Listed(full)),
                None => (NodeId(0), 0),
            },
            Position::Unlisted { node, shard } => (node, shard),
        };
        if self.filter.inconsistent {
            self.unlisted(node, shard, page)
        } else {
            None
        }
    }

    fn listed(&self, mut from: Listed, page: &mut Page) -> Option<Listed> {
        for (order, database) in self.catalog().databases.shared_from(from.database) {
            if order != from.database {
                from = Listed {
                    database: order,
                    ..Listed::default()
                };
            }
            let policies = database.retention_policies.iter().enumerate();
            for (index, policy) in policies.skip(from.policy) {
                if index != from.policy {
                    (from.policy, from.after, from.shard) = (index, None, 0);
                }
                for group in policy.shard_groups.after(from.after) {
                    if let Some(shard) = self.group(database, policy, group, from.shard, page) {
                        return Some(Listed { shard, ..from });
                    }
                    (from.after, from.shard) = (Some(group.id), 0);
                }
            }
        }
        None
    }

    /// Returns the index of the shard at which the page was full.
    fn group(
        &self,
        database: &Database,
        policy: &RetentionPolicy,
        group: &ShardGroup,
        from: usize,
        page: &mut Page,
    ) -> Option<usize> {
        let is_hidden = !self.filter.expired && self.is_expired(policy, group);
        if group.is_deleted() || is_hidden {
            return None;
        }
        for (index, shard) in group.shards.iter().enumerate().skip(from) {
            if page.is_full() {
                return Some(index);
            }
            let owners: Vec<_> = shard
                .owners
                .iter()
                .map(|owner| self.owner(*owner, shard.id))
                .collect();
            if self.filter.inconsistent && owners.iter().all(|owner| owner.err != NOT_FOUND) {
                continue;
            }
            page.push(&ShardRow {
                id: shard.id,
                database: Some(&database.name),
                retention_policy: Some(&policy.name),
                replica_n: policy.replica_n,
                shard_group_id: group.id,
                start_time: Some(group.start),
                end_time: Some(group.end),
                expire_time: expires(policy, group),
                truncated_at: group.truncated_at,
                owners: &owners,
            });
        }
        None
    }

    /// Adds copies on data nodes that are not in the catalog. Copies of deleted groups are left
    /// out: they are being deleted.
    fn unlisted(&self, node: NodeId, shard: u64, page: &mut Page) -> Option<Position> {
        for (id, report) in self.reports.range(node..) {
            let Ok(shards) = report else { continue };
            let first = if *id == node { shard } else { 0 };
            for (number, held) in shards.range(first..) {
                if page.is_full() {
                    return Some(Position::Unlisted {
                        node: *id,
                        shard: *number,
                    });
                }
                let located = self.catalog().shard(ShardId(*number));
                let is_known = located.is_some_and(|found| {
                    found.group.is_deleted() || found.shard.owners.contains(id)
                });
                if !is_known {
                    let owner = OwnerRow {
                        err: NOT_IN_CATALOG,
                        ..reported(held)
                    };
                    page.push(&ShardRow::unlisted(ShardId(*number), &[owner]));
                }
            }
        }
        None
    }

    fn owner(&self, id: NodeId, shard: ShardId) -> OwnerRow<'_> {
        let node = self.catalog().data_nodes.get(&id);
        let row = OwnerRow::without_report(id, node.map(|node| &node.tcp));
        if !self.filter.wants_reports() {
            return row;
        }
        match self.reports.get(&id) {
            Some(Ok(shards)) => match shards.get(&shard.0) {
                Some(held) => OwnerRow {
                    id,
                    tcp_addr: row.tcp_addr,
                    ..reported(held)
                },
                None => OwnerRow {
                    err: NOT_FOUND,
                    ..row
                },
            },
            // Without an answer it is not known whether the node has the shard.
            Some(Err(why)) => OwnerRow { err: why, ..row },
            None => OwnerRow {
                err: NOT_FOUND,
                ..row
            },
        }
    }

    fn is_expired(&self, policy: &RetentionPolicy, group: &ShardGroup) -> bool {
        expires(policy, group).is_some_and(|at| at < self.now)
    }

    fn catalog(&self) -> &Catalog {
        &self.applied.catalog
    }
}

struct Page {
    bytes: Vec<u8>,
    is_first: bool,
}

impl Page {
    fn is_full(&self) -> bool {
        self.bytes.len() >= PAGE_BYTES
    }

    fn push(&mut self, row: &ShardRow<'_>) {
        self.bytes.push(if self.is_first { b'[' } else { b',' });
        self.is_first = false;
        go_json::append(row, &mut self.bytes);
    }
}

/// Returns `None` for a policy that keeps its points for ever.
fn expires(policy: &RetentionPolicy, group: &ShardGroup) -> Option<UnixNanos> {
    let duration = policy.duration.0;
    (duration != 0).then(|| UnixNanos(group.end.0.saturating_add(duration)))
}

fn reported(held: &ShardOwnerInfo) -> OwnerRow<'_> {
    OwnerRow {
        id: held.id,
        tcp_addr: OwnerAddress::Reported(&held.tcp_addr),
        state: &held.state,
        last_modified: &held.last_modified,
        size: held.size,
        err: &held.err,
    }
}

#[cfg(test)]
mod tests;
