//! Adding, removing and moving data nodes (wire.md 6.2), at the leader. No lock and no Raft slot is
//! held across a call to a data node: the data node calls the meta nodes during that call.

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

use super::error::{BadRequest, Conflict, DataNodeError};
use super::leader::not_leader;
use super::{Error, Limits, Refusal, Retry, Service};
use crate::base::endpoint::DATA_RPC_PORT;
use crate::base::{Address, Text};
use crate::catalog::{Catalog, DATA_LEVEL, DataNode};
use crate::cluster::NotYet;
use crate::machine::{Outcome, Refused};
use crate::raft::{Raft, Role};
use crate::wire::api::DataNodeInfo;
use crate::wire::envelope::Body;

/// Timeout for a call of a data node that joins or leaves. It gives up after 10 s, and an attempt
/// that has begun may take as long again.
const DATA_NODE_TIMEOUT: Duration = Duration::from_secs(40);
/// Timeout for answers that a data node gives from memory.
pub(super) const QUICK_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

impl Service {
    /// Returns the timeouts of a request that waits for a data node as well; each step at the
    /// leader has a timeout of its own.
    pub fn data_node_limits(&self, manner: Retry) -> Limits {
        let patience = self.config.consensus_timeout;
        let answer = Instant::now() + DATA_NODE_TIMEOUT + QUICK_ANSWER_TIMEOUT * 2 + patience * 2;
        Limits {
            leader_timeout: patience,
            answer,
            retry: manner,
        }
    }

    /// Returns this node's Raft node if this node leads, with everything applied that was
    /// acknowledged before.
    ///
    /// # Errors
    /// This node does not lead, there is no majority, or members could not read what would be
    /// proposed.
    pub(super) async fn confirmed_raft(&self, deadline: Instant) -> Result<Raft, Error> {
        let raft = self.raft()?;
        confirm_leader(&raft, deadline).await?;
        if raft.applied().borrow().catalog.feature_level() < DATA_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("data nodes")).into());
        }
        Ok(raft)
    }

    /// Proposes a command of the operations on data nodes.
    ///
    /// # Errors
    /// All but `Unknown` mean that nothing was changed.
    pub(super) async fn change(
        &self,
        raft: &Raft,
        command: impl Into<Body>,
        deadline: Instant,
    ) -> Result<(), Error> {
        match raft.propose(command.into(), deadline).await? {
            Outcome::Applied { .. } => Ok(()),
            Outcome::Refused(refused @ Refused::LastCopies { .. }) => {
                Err(Conflict::LastCopies(refused).into())
            }
            Outcome::Refused(refused) => Err(DataNodeError::Refused(refused).into()),
        }
    }

    /// Runs an operation to its end, also when the caller hangs up: otherwise half of it would be
    /// left behind.
    pub(super) async fn run_to_completion<T, F>(self: &Arc<Self>, operation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        self.env.tasks.detach(async move {
            // The caller has hung up: the result is in the catalog.
            let _ = done.send(operation.await);
        });
        result.await.unwrap_or(Err(Error::Stopping))
    }

    /// Returns the addresses of the meta nodes for a data node. This node comes first, because data
    /// nodes ask the first one, and no other, whether there is a leader. With their first poll they
    /// take over the order of `Data`.
    fn meta_servers(&self, catalog: &Catalog) -> Vec<Address> {
        let mut servers: Vec<Address> = catalog
            .meta_nodes
            .values()
            .map(|node| node.http.clone())
            .collect();
        let own = self.cluster().view().http.clone();
        if let Some(at) = servers
            .iter()
            .position(|server| Some(server) == own.as_ref())
        {
            servers[..=at].rotate_right(1);
        }
        servers
    }
}

/// Confirms with a majority that this node leads now.
///
/// # Errors
/// This node does not lead, or no majority answers.
pub(super) async fn confirm_leader(raft: &Raft, deadline: Instant) -> Result<(), Error> {
    if raft.status().role != Role::Leader {
        return Err(not_leader(raft));
    }
    Ok(raft.barrier(deadline).await?)
}

/// Parses the address of a data node.
///
/// # Errors
/// The text is no address; `name` is the parameter that had it.
pub(super) fn data_address(name: &'static str, text: &str) -> Result<Address, BadRequest> {
    Address::parse(text, DATA_RPC_PORT).map_err(|error| BadRequest::Address { name, error })
}

/// Returns the data node with this address: as it was written, or in another spelling.
pub(super) fn find_node<'a>(catalog: &'a Catalog, addr: &str) -> Option<&'a DataNode> {
    let written = catalog.data_node_by_tcp(&Text::from(addr));
    written.or_else(|| {
        let address = Address::parse(addr, DATA_RPC_PORT).ok()?;
        catalog
            .data_nodes
            .values()
            .find(|node| address_of(node).as_ref() == Ok(&address))
    })
}

/// Returns whether a member with this address was removed, and no member has the address now.
fn was_removed(catalog: &Catalog, addr: &str) -> bool {
    let address = Address::parse(addr, DATA_RPC_PORT);
    let is_it =
        |tcp: &Text| address.is_ok() && Address::parse(&tcp.to_string(), DATA_RPC_PORT) == address;
    catalog.removed_data_nodes.contains(&Text::from(addr))
        || catalog.removed_data_nodes.iter().any(is_it)
}

/// Returns the address of a data node of the catalog.
///
/// # Errors
/// The catalog has a text that is no address.
pub(super) fn address_of(node: &DataNode) -> Result<Address, DataNodeError> {
    let id = node.id;
    Address::parse(&node.tcp.to_string(), DATA_RPC_PORT)
        .map_err(|error| DataNodeError::NoAddress { id, error })
}

/// Leaves out what announcements say of a data node: that is in `/show-cluster`.
fn data_node_info(node: &DataNode) -> DataNodeInfo {
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
