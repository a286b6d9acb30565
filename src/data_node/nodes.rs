//! One function for each thing that can be asked.

use std::sync::Arc;

use tokio::time::Instant;

use super::{DataNodesConfig, Failed};
use crate::base::{Address, Name, NodeId};
use crate::runtime::{Env, Net};
use crate::tls::{Connector, TlsError};
use crate::wire::data_node::{
    CopyShard, DataNodeStatus, JoinCluster, LeaveCluster, ListShards, Node, RemoveHintedHandoff,
    RemoveShard, Shards,
};

/// A client of data nodes. Cheap to clone.
#[derive(Clone)]
pub struct DataNodes {
    pub(super) net: Arc<dyn Net>,
    /// Set: they are spoken to through TLS only.
    pub(super) tls: Option<Connector>,
}

/// Every call ends by its deadline; a call that is dropped hangs up at once.
///
/// # Errors
/// [`Failed`] in each case: see [`super::FailureCause`].
impl DataNodes {
    /// Reads the certificates of authorities, where TLS is to be used.
    ///
    /// # Errors
    /// TLS cannot work as configured.
    pub async fn open(env: &Env, config: &DataNodesConfig) -> Result<Self, TlsError> {
        let tls = match &config.tls {
            Some(trust) => Some(Connector::load(env, trust).await?),
            None => None,
        };
        Ok(Self {
            net: env.net.clone(),
            tls,
        })
    }

    /// How many authorities vouch for data nodes: `None` without TLS, 0 where anyone is believed.
    pub fn trusted(&self) -> Option<usize> {
        self.tls.as_ref().map(Connector::trusted)
    }

    /// Makes a node known to these meta nodes, by their HTTP addresses in this order; the node as
    /// it then calls itself. Meanwhile it asks them for `/status`, `/` and, unless `update`,
    /// `/execute`; it gives up after 10 s or more.
    pub async fn join_cluster(
        &self,
        at: &Address,
        meta_servers: &[Address],
        update: bool,
        deadline: Instant,
    ) -> Result<Node, Failed> {
        let meta_servers = meta_servers
            .iter()
            .map(|server| Name::from(&server.to_string()))
            .collect();
        self.call(
            at,
            &JoinCluster {
                meta_servers,
                update,
            },
            deadline,
        )
        .await
    }

    /// Makes a node forget its cluster and delete its data. It first waits until the cluster has
    /// forgotten it, for 10 s at most.
    pub async fn leave_cluster(&self, at: &Address, deadline: Instant) -> Result<(), Failed> {
        self.call(at, &LeaveCluster, deadline).await
    }

    /// Makes `at` fetch a shard from another node; ends when all of it is there, which may take
    /// hours. A source that does not hold the shard is no error: the copy is empty.
    pub async fn copy_shard(
        &self,
        at: &Address,
        copy: &CopyShard,
        deadline: Instant,
    ) -> Result<(), Failed> {
        self.call(at, copy, deadline).await
    }

    /// Deletes the copy of a shard. One that the node does not hold is an error, `shard not found`.
    pub async fn remove_shard(
        &self,
        at: &Address,
        shard: u64,
        deadline: Instant,
    ) -> Result<(), Failed> {
        self.call(at, &RemoveShard { shard }, deadline).await
    }

    pub async fn list_shards(&self, at: &Address, deadline: Instant) -> Result<Shards, Failed> {
        self.call(at, &ListShards, deadline).await
    }

    /// Drops what a node keeps for another one that will not come back.
    pub async fn remove_hinted_handoff(
        &self,
        at: &Address,
        node: NodeId,
        deadline: Instant,
    ) -> Result<(), Failed> {
        self.call(at, &RemoveHintedHandoff { node }, deadline).await
    }

    /// What a node says of itself, over HTTP on the same port.
    pub async fn status(&self, at: &Address, deadline: Instant) -> Result<DataNodeStatus, Failed> {
        self.get_status(at, deadline).await
    }
}
