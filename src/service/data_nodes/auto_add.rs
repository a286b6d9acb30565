//! `add-data`: the leader adds the data nodes that the configuration names, so that a whole cluster
//! starts without an operator.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{QUICK_ANSWER_TIMEOUT, find_node, was_removed};
use crate::base::{Address, without_measures};
use crate::catalog::{Catalog, DATA_LEVEL};
use crate::raft::Role;
use crate::service::{Error, Service};

const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum delay between two attempts at a data node that does not answer. The delay starts at
/// 1 s and doubles; a data node that starts later is found within this time.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// Adds each data node independently: one that does not answer delays no other. Ends with the
/// process's tasks, or with the service.
pub(in crate::service) async fn add_all(service: Weak<Service>, wanted: Vec<Address>) {
    join_all(
        wanted
            .into_iter()
            .map(|at| keep_adding(service.clone(), at)),
    )
    .await;
}

async fn keep_adding(service: Weak<Service>, at: Address) {
    let mut wanted = ConfiguredNode {
        at,
        own_name: None,
        reported: String::new(),
    };
    let mut pause = CHECK_INTERVAL;
    loop {
        sleep(pause).await;
        let Some(service) = service.upgrade() else {
            return;
        };
        if service.must_add(&wanted) {
            wanted.try_once(&service).await;
            pause = (pause * 2).min(MAX_RETRY_DELAY);
        } else {
            pause = CHECK_INTERVAL;
        }
    }
}

struct ConfiguredNode {
    at: Address,
    /// Address by which the data node calls itself, once it has answered.
    own_name: Option<String>,
    /// Last error that was logged, without measures: each is logged once, not at every attempt.
    reported: String,
}

impl ConfiguredNode {
    async fn try_once(&mut self, service: &Arc<Service>) {
        match self.add(service).await {
            Ok(()) => {}
            // The next leader continues.
            Err(Error::NotLeader(_) | Error::NoLeader { .. }) => {}
            Err(Error::NotMember(_) | Error::Stopping) => {}
            Err(error) => {
                let text = error.to_string();
                let reported = without_measures(&text);
                if self.reported != reported {
                    let at = &self.at;
                    tracing::warn!(
                        event = "data-node",
                        "{at} is on the list add-data and cannot be added yet: {text}"
                    );
                    self.reported = reported;
                }
            }
        }
    }

    async fn add(&mut self, service: &Arc<Service>) -> Result<(), Error> {
        // The data node may be a member, or have been one, under a name that is not in the list.
        let status = service
            .data_nodes
            .status(&self.at, Instant::now() + QUICK_ANSWER_TIMEOUT)
            .await;
        self.own_name = Some(status?.tcp_addr);
        if !service.must_add(self) {
            return Ok(());
        }
        let node = service.add_data(&self.at.to_string(), false).await?;
        tracing::info!(event = "data-node", id = %node.id, "added data node {}", node.tcp_addr);
        Ok(())
    }

    /// Returns whether the data node is no member and was not removed by an operator.
    fn is_missing(&self, catalog: &Catalog) -> bool {
        let mut names = std::iter::once(self.at.to_string()).chain(self.own_name.clone());
        names.all(|name| find_node(catalog, &name).is_none() && !was_removed(catalog, &name))
    }
}

impl Service {
    /// Returns whether this node leads and has to add the data node.
    fn must_add(&self, wanted: &ConfiguredNode) -> bool {
        let Some(raft) = self
            .raft()
            .ok()
            .filter(|raft| raft.status().role == Role::Leader)
        else {
            return false;
        };
        let applied = raft.applied().borrow().clone();
        applied.catalog.feature_level() >= DATA_LEVEL && wanted.is_missing(&applied.catalog)
    }
}
