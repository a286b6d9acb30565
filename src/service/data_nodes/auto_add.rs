//! `add-data`: data nodes that the configuration names are added by whoever leads, so that a whole
//! cluster comes up without a hand.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{QUICK_ANSWER_TIMEOUT, find_node, was_removed};
use crate::base::Address;
use crate::catalog::{Catalog, DATA_LEVEL};
use crate::raft::Role;
use crate::service::{Error, Service};

const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// A data node that is not there yet is asked less and less often: one that starts later is found
/// within this.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// Each by itself: one that is silent keeps no other away. Ends with the process's tasks, or with
/// the service.
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
    /// What it calls itself, once it has said so.
    own_name: Option<String>,
    /// Said once, not at every try.
    reported: String,
}

impl ConfiguredNode {
    async fn try_once(&mut self, service: &Arc<Service>) {
        match self.add(service).await {
            Ok(()) => {}
            // The next leader goes on.
            Err(Error::NotLeader(_) | Error::NoLeader { .. }) => {}
            Err(Error::NotMember(_) | Error::Stopping) => {}
            Err(error) => {
                let said = error.to_string();
                if self.reported != said {
                    let at = &self.at;
                    tracing::warn!(
                        event = "data-node",
                        "{at} is on the list add-data and cannot be added yet: {said}"
                    );
                    self.reported = said;
                }
            }
        }
    }

    async fn add(&mut self, service: &Arc<Service>) -> Result<(), Error> {
        // It may be a member, or have been one, under a name that the list does not have.
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

    /// Neither a member nor taken out by a person.
    fn is_missing(&self, catalog: &Catalog) -> bool {
        let mut names = std::iter::once(self.at.to_string()).chain(self.own_name.clone());
        names.all(|name| find_node(catalog, &name).is_none() && !was_removed(catalog, &name))
    }
}

impl Service {
    /// Of a leader only.
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
