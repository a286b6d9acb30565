//! Joining, leaving and removing, for people and for other meta nodes (founding.md 6 to 8).

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Error, Service};
use crate::base::Address;
use crate::cluster::{Absent, NodeRef, Refusal};
use crate::raft::Role;
use crate::wire::api::MetaNodeInfo;

/// Clients give up at 10 s: until then they must have heard what the node waits for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(9);
/// Of a carried request: the node that carried it has to answer within the above.
const FORWARDED_ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

impl Service {
    /// When a request about membership has to be answered, whatever `consensus-timeout` is.
    pub fn joining_deadline(&self, carried: bool) -> Instant {
        Instant::now()
            + if carried {
                FORWARDED_ANSWER_TIMEOUT
            } else {
                ANSWER_TIMEOUT
            }
    }

    /// Adds the meta node at `addr`, or forms a cluster with it; `None`: the leader has to be
    /// asked.
    ///
    /// # Errors
    /// Why not, or why not yet. Asking again is harmless.
    pub async fn join(
        &self,
        addr: &Address,
        deadline: Instant,
    ) -> Result<Option<MetaNodeInfo>, Error> {
        self.serving()?;
        let node = at_leader(self.membership().join(addr, deadline).await)?;
        Ok(node.map(joined))
    }

    /// This node takes itself out of its cluster, and says so only when it is out.
    ///
    /// # Errors
    /// Why not, or why not yet.
    pub async fn leave(&self, deadline: Instant) -> Result<(), Error> {
        self.serving()?;
        Ok(self.membership().leave(deadline).await?)
    }

    /// Takes a meta node out; `None`: the leader has to be asked.
    ///
    /// # Errors
    /// Why not, or why not yet.
    pub async fn remove(
        &self,
        http: &Address,
        force: bool,
        by: &str,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
        self.serving()?;
        at_leader(self.membership().remove(http, force, by, deadline).await)
    }

    /// The HTTP address of the meta node with this Raft address; `None`: the leader has to be
    /// asked.
    ///
    /// # Errors
    /// `NotFound` at the leader, whose catalog has all.
    pub fn meta_node_by_raft_address(
        &self,
        raft_address: &Address,
    ) -> Result<Option<Address>, Error> {
        let raft = self.raft()?;
        let applied = raft.applied().borrow().clone();
        let found = applied
            .catalog
            .meta_nodes
            .values()
            .find(|node| node.raft == *raft_address);
        let leads = raft.status().role == Role::Leader;
        match found {
            Some(node) => Ok(Some(node.http.clone())),
            None if leads => Err(Refusal::NotFound(Absent::Address(raft_address.clone())).into()),
            None => Ok(None),
        }
    }

    /// `localhost` on this node's own port means this node, whoever leads: the leader, to whom the
    /// request may be carried, would take it for itself. In a cluster that is all loopback every
    /// node is on this host.
    pub fn named_from_here(&self, addr: Address) -> Address {
        let is_localhost = matches!(addr.host(), "localhost" | "127.0.0.1" | "::1");
        match &self.membership().view().http {
            Some(own)
                if is_localhost && addr.port() == own.port() && !own.is_loopback_literal() =>
            {
                own.clone()
            }
            _ => addr,
        }
    }

    /// Answers another meta node on a path of `wire::joining`: status and JSON. `None`: only the
    /// leader can.
    ///
    /// # Errors
    /// `Stopping`.
    pub async fn peer_request(
        &self,
        path: &str,
        body: &[u8],
        from: IpAddr,
        deadline: Instant,
    ) -> Result<Option<(u16, Bytes)>, Error> {
        self.serving()?;
        at_leader(self.membership().answer(path, body, from, deadline).await)
    }

    /// Whether a request of another meta node has to prove that it knows the secret.
    pub fn needs_proof(&self) -> bool {
        self.membership().needs_proof()
    }

    fn serving(&self) -> Result<(), Error> {
        if self.following.is_stopping() {
            Err(Error::Stopping)
        } else {
            Ok(())
        }
    }
}

/// `None` where only the leader can answer.
fn at_leader<T>(result: Result<T, Refusal>) -> Result<Option<T>, Error> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::NotLeader) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// What announcements and people say of a node is in `/show-cluster`.
fn joined(node: NodeRef) -> MetaNodeInfo {
    MetaNodeInfo {
        id: node.id,
        addr: node.http.to_string(),
        http_scheme: String::new(),
        tcp_addr: node.raft.to_string(),
        version: String::new(),
        labels: None,
    }
}
