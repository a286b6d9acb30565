//! `GET /show-shards`: from local state, with the data nodes' reports on their copies where the
//! caller asks for these.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::listing::{Listing, Reports};
use super::{Error, Service};
use crate::catalog::{Catalog, DataNode};
use crate::service::data_nodes::{QUICK_ANSWER_TIMEOUT, address_of};

pub use super::shared_lists::ShardListReader;

/// Timeout for a place among the lists that are being read.
const PLACE_TIMEOUT: Duration = Duration::from_secs(30);

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

impl ShardFilter {
    pub(super) fn wants_reports(self) -> bool {
        self.verbose || self.inconsistent
    }
}

impl Service {
    /// Lists shards in the order of databases, policies, groups and shards. Callers who come at the
    /// same time share the list.
    ///
    /// # Errors
    /// This node belongs to no cluster, or too many lists are being read.
    pub async fn show_shards(&self, filter: ShardFilter) -> Result<ShardListReader, Error> {
        let arrived = Instant::now();
        let listed = self.list_shared(filter, arrived);
        timeout_at(arrived + PLACE_TIMEOUT, listed)
            .await
            .unwrap_or(Err(Error::TooManyLists))
    }

    async fn list_shared(
        &self,
        filter: ShardFilter,
        arrived: Instant,
    ) -> Result<ShardListReader, Error> {
        let applied = self.raft()?.applied().borrow().clone();
        let find = || {
            let now = self.env.clock.now();
            self.shard_lists.find(filter, &applied, now, arrived)
        };
        if let Some(reader) = find() {
            return Ok(reader);
        }
        let making = self.shard_lists.making(filter);
        let _turn = making.turn().await;
        // A caller that waited for its turn shares the list that the caller before it made.
        if let Some(reader) = find() {
            return Ok(reader);
        }
        let place = making.place().await.ok_or(Error::TooManyLists)?;
        let began = Instant::now();
        let newest = self.raft()?.applied().borrow().clone();
        let reports = if filter.wants_reports() {
            self.list_all_shards(&newest.catalog).await
        } else {
            Reports::new()
        };
        let listing = Listing {
            applied: newest,
            filter,
            now: self.env.clock.now(),
            reports,
        };
        Ok(self.shard_lists.add(listing, began, place))
    }

    /// Asks all data nodes for the shards that they hold.
    pub(super) async fn list_all_shards(&self, catalog: &Catalog) -> Reports {
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
