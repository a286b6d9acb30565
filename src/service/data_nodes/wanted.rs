//! `add-data`: data nodes that the configuration names are added by whoever leads, so that a whole cluster comes up
//! without a hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::known;
use crate::base::{Address, Text};
use crate::catalog::{Catalog, DATA_LEVEL};
use crate::raft::Role;
use crate::service::{Error, Service};

const LOOK: Duration = Duration::from_secs(1);
/// A data node that is not there yet is asked less and less often.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is still tried for one of them.
struct Trying {
    next: Instant,
    pause: Duration,
    /// Said once, not at every try.
    said: String,
}

/// Ends with the process's tasks, or with the service.
pub(in crate::service) async fn add_all(service: Weak<Service>, wanted: Vec<Address>) {
    let mut trying: BTreeMap<Address, Trying> = BTreeMap::new();
    let mut look = Instant::now();
    loop {
        sleep_until(look).await;
        look = Instant::now() + LOOK;
        let Some(service) = service.upgrade() else { return };
        for at in service.missing(&wanted) {
            let entry = trying.entry(at.clone()).or_insert_with(|| Trying {
                next: Instant::now(),
                pause: FIRST_PAUSE,
                said: String::new(),
            });
            if entry.next <= Instant::now() {
                try_once(&service, &at, entry).await;
            }
        }
    }
}

async fn try_once(service: &Arc<Service>, at: &Address, trying: &mut Trying) {
    let added = service.add_data(&at.to_string(), false, service.data_node_deadline()).await;
    match added {
        Ok(Some(node)) => {
            tracing::info!(event = "data-node", id = %node.id, "added data node {}", node.tcp_addr)
        }
        Ok(None) | Err(Error::NoLeader { .. } | Error::NotMember(_) | Error::Stopping) => {}
        Err(error) => {
            let said = error.to_string();
            if trying.said != said {
                tracing::warn!(
                    event = "data-node",
                    "{at} is on the list add-data and cannot be added yet: {said}"
                );
                trying.said = said;
            }
        }
    }
    trying.next = Instant::now() + trying.pause;
    trying.pause = (trying.pause * 2).min(LONGEST_PAUSE);
}

impl Service {
    /// Of a leader: who is on the list, no member, and was not taken out by a person.
    fn missing(&self, wanted: &[Address]) -> Vec<Address> {
        let Some(raft) = self.raft().ok().filter(|raft| raft.status().role == Role::Leader) else {
            return Vec::new();
        };
        let applied = raft.applied().borrow().clone();
        if applied.catalog.feature_level() < DATA_LEVEL {
            return Vec::new();
        }
        wanted.iter().filter(|at| is_missing(&applied.catalog, at)).cloned().collect()
    }
}

fn is_missing(catalog: &Catalog, at: &Address) -> bool {
    let text = at.to_string();
    known(catalog, &text).is_none() && !catalog.removed_data_nodes.contains(&Text::from(&text))
}
