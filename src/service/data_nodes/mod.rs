//! Data nodes come, go and move (wire.md 6.2), at the leader. No lock and no Raft slot is held
//! across a call to a data node: it calls the meta nodes while they wait for it.

mod add;
mod auto_add;
mod commit_via_leader;
mod describe;
mod remind;
mod remove;
mod update;

pub(super) use auto_add::add_all;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Error, Limits, Refusal, Retry, Service};
use crate::base::{Address, Text};
use crate::catalog::{Catalog, DATA_LEVEL, DataNode};
use crate::cluster::NotYet;
use crate::data_node::Failed;
use crate::machine::{Command, Outcome, Refused};
use crate::raft::{BarrierError, Raft, Role};
use crate::wire::api::DataNodeInfo;
use crate::wire::envelope::Body;

/// Where an address names no port.
pub(super) const DATA_PORT: u16 = 8088;

/// A data node gives up joining or leaving after 10 s, and an attempt that has begun may take as
/// long again.
const DATA_NODE_TIMEOUT: Duration = Duration::from_secs(40);
/// What is answered from memory.
pub(super) const QUICK_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

impl Service {
    /// What a caller waits who waits for a data node as well; each step at the leader has a limit
    /// of its own.
    pub fn data_node_limits(&self, manner: Retry) -> Limits {
        let patience = self.config.consensus_timeout;
        let answer = Instant::now() + DATA_NODE_TIMEOUT + QUICK_ANSWER_TIMEOUT * 2 + patience * 2;
        Limits {
            leader_timeout: patience,
            answer,
            retry: manner,
        }
    }

    /// This node's Raft if it leads, with everything applied that was acknowledged before; `None`:
    /// ask the leader.
    ///
    /// # Errors
    /// There is no majority, or members that could not read what would be proposed.
    pub(super) async fn leading(&self) -> Result<Option<Raft>, Error> {
        let raft = self.raft()?;
        if !confirmed(&raft, self.deadline()).await? {
            return Ok(None);
        }
        if raft.applied().borrow().catalog.feature_level() < DATA_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("data nodes")).into());
        }
        Ok(Some(raft))
    }

    /// Proposes a command of these operations; `None`: leadership was lost before it was proposed.
    pub(super) async fn change(
        &self,
        raft: &Raft,
        command: Command,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
        match raft.propose(Body::Ours(command), deadline).await {
            Ok(Outcome::Applied { .. }) => Ok(Some(())),
            Ok(Outcome::Refused(why @ Refused::LastCopies { .. })) => {
                Err(Error::Conflict(why.to_string()))
            }
            Ok(Outcome::Refused(why)) => Err(Error::DataNode(why.to_string())),
            Err(error) => Error::from_proposal(error).map_or(Ok(None), Err),
        }
    }

    /// Runs to its end also when the caller hangs up: half an operation would be left behind.
    pub(super) async fn to_the_end<T, F>(self: &Arc<Self>, operation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        self.env.tasks.detach(async move {
            // Nobody listens any more: what it came to is in the catalog.
            let _ = done.send(operation.await);
        });
        result.await.unwrap_or(Err(Error::Stopping))
    }

    /// Where data nodes find the meta nodes. This one comes first, because they ask the first one,
    /// and no other, whether there is a leader; with their first poll they take over the order of
    /// `Data`.
    fn meta_servers(&self, catalog: &Catalog) -> Vec<Address> {
        let mut servers: Vec<Address> = catalog
            .meta_nodes
            .values()
            .map(|node| node.http.clone())
            .collect();
        let own = self.membership().view().http.clone();
        if let Some(at) = servers
            .iter()
            .position(|server| Some(server) == own.as_ref())
        {
            servers[..=at].rotate_right(1);
        }
        servers
    }
}

/// Whether this node leads now, by the word of a majority.
///
/// # Errors
/// Nobody can say.
pub(super) async fn confirmed(raft: &Raft, deadline: Instant) -> Result<bool, Error> {
    if raft.status().role != Role::Leader {
        return Ok(false);
    }
    match raft.barrier(deadline).await {
        Ok(()) => Ok(true),
        Err(BarrierError::NotLeader { .. }) => Ok(false),
        Err(BarrierError::NoMajority | BarrierError::Closed) => {
            Err(Error::NoLeader { reachable: None })
        }
    }
}

/// # Errors
/// It is none.
pub(super) fn data_address(name: &str, text: &str) -> Result<Address, Error> {
    Address::parse(text, DATA_PORT).map_err(|error| Error::Bad(format!("{name}: {error}")))
}

/// The node that is known under this address: as it was written, or as another spelling of the
/// same.
pub(super) fn known<'a>(catalog: &'a Catalog, addr: &str) -> Option<&'a DataNode> {
    let written = catalog.data_node_by_tcp(&Text::from(addr));
    written.or_else(|| {
        let address = Address::parse(addr, DATA_PORT).ok()?;
        catalog
            .data_nodes
            .values()
            .find(|node| address_of(node).as_ref() == Ok(&address))
    })
}

/// Whether it was a member under this address and no one is any more.
fn was_removed(catalog: &Catalog, addr: &str) -> bool {
    let address = Address::parse(addr, DATA_PORT);
    let is_it =
        |tcp: &Text| address.is_ok() && Address::parse(&tcp.to_string(), DATA_PORT) == address;
    catalog.removed_data_nodes.contains(&Text::from(addr))
        || catalog.removed_data_nodes.iter().any(is_it)
}

/// How to reach a node that is in the catalog.
pub(super) fn address_of(node: &DataNode) -> Result<Address, Error> {
    let text = node.tcp.to_string();
    Address::parse(&text, DATA_PORT).map_err(|error| {
        Error::DataNode(format!("data node {} cannot be reached: {error}", node.id))
    })
}

pub(super) fn of_data_node(failed: Failed) -> Error {
    Error::DataNode(failed.text())
}

/// What announcements say of it is in `/show-cluster`.
fn info(node: &DataNode) -> DataNodeInfo {
    DataNodeInfo {
        id: node.id,
        tcp_addr: node.tcp.to_string(),
        http_addr: node.http.to_string(),
        http_scheme: String::new(),
        status: String::new(),
        version: String::new(),
        labels: None,
        passive: None,
    }
}
