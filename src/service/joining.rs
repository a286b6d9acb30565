//! Joining, leaving and removing, for operators and for other meta nodes (founding.md 6 to 8).

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::leader::not_leader;
use super::{Error, Service};
use crate::auth::PeerPolicy;
use crate::base::Address;
use crate::cluster::{Absent, NodeRef, Refusal};
use crate::raft::Role;
use crate::wire::api::MetaNodeInfo;

/// Timeout for an answer. Clients give up at 10 s: until then they must have heard what the node
/// waits for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(9);
/// Timeout for the answer to a forwarded request. The node that forwarded it has to answer within
/// [`ANSWER_TIMEOUT`].
const FORWARDED_ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

impl Service {
    /// Returns the deadline of a request about membership. `consensus-timeout` has no influence on
    /// it.
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
    /// Reasons why not, or why not yet. Retrying is harmless.
    pub async fn join(&self, addr: &Address, deadline: Instant) -> Result<MetaNodeInfo, Error> {
        self.check_serving()?;
        let node = self.cluster().join(addr, deadline).await?;
        Ok(node_info(node))
    }

    /// Takes this node out of its cluster, and returns only when it is out. `by` names who ordered
    /// it and how.
    ///
    /// # Errors
    /// Reasons why not, or why not yet.
    pub async fn leave(&self, by: &str, deadline: Instant) -> Result<(), Error> {
        self.check_serving()?;
        Ok(self.cluster().leave(by, deadline).await?)
    }

    /// Takes a meta node out of the cluster. `by` as for [`Self::leave`].
    ///
    /// # Errors
    /// Reasons why not, or why not yet.
    pub async fn remove(
        &self,
        http: &Address,
        force: bool,
        by: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        self.check_serving()?;
        Ok(self.cluster().remove(http, force, by, deadline).await?)
    }

    /// Returns the HTTP address of the meta node with this Raft address.
    ///
    /// # Errors
    /// `NotFound` at the leader, whose catalog is complete.
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
                Err(Refusal::NotFound(Absent::Address(raft_address.clone())).into())
            }
            None => Err(not_leader(&raft)),
        }
    }

    /// Returns the HTTP address that this node advertises, once it is known.
    pub fn own_address(&self) -> Option<Address> {
        self.cluster().view().http.clone()
    }

    /// Replaces `localhost` with this node's port by this node's own address. The leader, to which
    /// the request may be forwarded, would take `localhost` for itself. Where all nodes advertise
    /// loopback addresses nothing is replaced: every node is on this host.
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
        Ok(self.cluster().answer(path, body, from, deadline).await?)
    }

    /// Returns what this node asks of other meta nodes now.
    pub fn peer_policy(&self) -> PeerPolicy {
        self.cluster().peer_policy()
    }

    /// Returns whether proofs that can be recorded are enough, as members of an older version make
    /// them.
    pub fn accepts_recorded_proofs(&self) -> bool {
        self.cluster().accepts_recorded_proofs()
    }

    fn check_serving(&self) -> Result<(), Error> {
        if self.watcher.is_stopping() {
            Err(Error::Stopping)
        } else {
            Ok(())
        }
    }
}

/// Leaves out what announcements and operators say of a node: that is in `/show-cluster`.
fn node_info(node: NodeRef) -> MetaNodeInfo {
    MetaNodeInfo {
        id: node.id,
        addr: node.http.to_string(),
        http_scheme: String::new(),
        tcp_addr: node.raft.to_string(),
        version: String::new(),
        labels: None,
        note: node.note.map(|note| note.to_string()),
    }
}
