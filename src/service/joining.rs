//! Joining, leaving and removing, for people and for other meta nodes (founding.md 6 to 8).

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::leader::not_leader;
use super::{Error, NotLeader, Service};
use crate::base::Address;
use crate::cluster::{NodeRef, Refusal};
use crate::raft::Role;
use crate::wire::api::MetaNodeInfo;

/// Clients give up at 10 s: until then they must have heard what the node waits for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(9);
/// Of a carried request: the node that carried it has to answer within the above.
const FORWARDED_ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

impl Service {
    /// When a request about membership has to be answered, whatever `consensus-timeout` is.
    pub fn joining_deadline(&self, is_forwarded: bool) -> Instant {
        Instant::now()
            + if is_forwarded {
                FORWARDED_ANSWER_TIMEOUT
            } else {
                ANSWER_TIMEOUT
            }
    }

    /// Adds the meta node at `addr`, or forms a cluster with it.
    ///
    /// # Errors
    /// Why not, or why not yet. Asking again is harmless.
    pub async fn join(&self, addr: &Address, deadline: Instant) -> Result<MetaNodeInfo, Error> {
        self.check_serving()?;
        let node = self.cluster().join(addr, deadline).await?;
        Ok(node_info(node.ok_or(NotLeader::default())?))
    }

    /// This node takes itself out of its cluster, and says so only when it is out.
    ///
    /// # Errors
    /// Why not, or why not yet.
    pub async fn leave(&self, deadline: Instant) -> Result<(), Error> {
        self.check_serving()?;
        Ok(self.cluster().leave(deadline).await?)
    }

    /// Takes a meta node out.
    ///
    /// # Errors
    /// Why not, or why not yet.
    pub async fn remove(
        &self,
        http: &Address,
        force: bool,
        by: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        self.check_serving()?;
        let removed = self.cluster().remove(http, force, by, deadline).await?;
        Ok(removed.ok_or(NotLeader::default())?)
    }

    /// The HTTP address of the meta node with this Raft address.
    ///
    /// # Errors
    /// `NotFound` at the leader, whose catalog has all.
    pub fn meta_node_by_raft_address(&self, raft_address: &Address) -> Result<Address, Error> {
        let raft = self.raft()?;
        let applied = raft.applied().borrow().clone();
        let found = applied
            .catalog
            .meta_nodes
            .values()
            .find(|node| node.raft == *raft_address);
        match found {
            Some(node) => Ok(node.http.clone()),
            None if raft.status().role == Role::Leader => {
                Err(Refusal::NotFound(raft_address.to_string()).into())
            }
            None => Err(not_leader(&raft)),
        }
    }

    /// `localhost` on this node's own port means this node, whoever leads: the leader, to whom the
    /// request may be carried, would take it for itself. In a cluster that is all loopback every
    /// node is on this host.
    pub fn resolve_localhost(&self, addr: Address) -> Address {
        let is_localhost = matches!(addr.host(), "localhost" | "127.0.0.1" | "::1");
        match &self.cluster().view().http {
            Some(own)
                if is_localhost && addr.port() == own.port() && !own.is_loopback_literal() =>
            {
                own.clone()
            }
            _ => addr,
        }
    }

    /// Answers another meta node on a path of `wire::joining`: status and JSON.
    ///
    /// # Errors
    /// `Stopping`, or `NotLeader` where only the leader can answer.
    pub async fn peer_request(
        &self,
        path: &str,
        body: &[u8],
        from: IpAddr,
        deadline: Instant,
    ) -> Result<(u16, Bytes), Error> {
        self.check_serving()?;
        let answer = self.cluster().answer(path, body, from, deadline).await;
        Ok(answer.ok_or(NotLeader::default())?)
    }

    /// Whether a request of another meta node has to prove that it knows the secret.
    pub fn needs_proof(&self) -> bool {
        self.cluster().needs_proof()
    }

    fn check_serving(&self) -> Result<(), Error> {
        if self.watcher.is_stopping() {
            Err(Error::Stopping)
        } else {
            Ok(())
        }
    }
}

/// What announcements and people say of a node is in `/show-cluster`.
fn node_info(node: NodeRef) -> MetaNodeInfo {
    MetaNodeInfo {
        id: node.id,
        addr: node.http.to_string(),
        http_scheme: String::new(),
        tcp_addr: node.raft.to_string(),
        version: String::new(),
        labels: None,
    }
}
