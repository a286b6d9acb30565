//! A function for each kind of call.

use std::sync::Arc;

use tokio::time::Instant;

use super::{DataNodesConfig, Failed};
use crate::base::{Address, Name, NodeId};
use crate::runtime::{Env, Net, Tasks};
use crate::tls::{Connector, TlsError};
use crate::wire::data_node::{
    CopyShard, DataNodeStatus, JoinCluster, LeaveCluster, ListShards, Node, RemoveHintedHandoff,
    RemoveShard, Shards,
};

/// A client of data nodes. Cheap to clone.
#[derive(Clone)]
pub struct DataNodes {
    pub(super) net: Arc<dyn Net>,
    /// If set, data nodes are called through TLS only.
    pub(super) tls: Option<Connector>,
    pub(super) tasks: Tasks,
}

/// Every call ends by its deadline. A call that is dropped closes its connection at once.
///
/// # Errors
/// [`Failed`] in each case: see [`super::FailureCause`].
impl DataNodes {
    /// Reads the certificates of authorities, if TLS is configured.
    ///
    /// # Errors
    /// [`TlsError`]: TLS cannot work as configured.
    pub async fn open(env: &Env, config: &DataNodesConfig) -> Result<Self, TlsError> {
        let tls = match &config.tls {
            Some(trust) => Some(Connector::load(env, trust).await?),
            None => None,
        };
        Ok(Self {
            net: env.net.clone(),
            tls,
            tasks: env.tasks.clone(),
        })
    }

    /// Number of trusted authorities: `None` without TLS, 0 if any certificate is accepted.
    pub fn trusted(&self) -> Option<usize> {
        self.tls.as_ref().map(Connector::trusted)
    }

    /// Makes a data node join the cluster of these meta nodes, which it tries in this order.
    /// Returns the node under the addresses that it then names. Meanwhile it asks the meta nodes
    /// for `/status`, `/` and, unless `update`, `/execute`. It gives up after 10 s or more.
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

    /// Makes a data node forget its cluster and delete its data. It first waits until the cluster
    /// has removed it, for 10 s at most.
    pub async fn leave_cluster(&self, at: &Address, deadline: Instant) -> Result<(), Failed> {
        self.call(at, &LeaveCluster, deadline).await
    }

    /// Makes `at` fetch a shard from another node. Ends when all of it is copied, which may take
    /// hours. A source that does not have the shard is no error: the copy is empty.
    pub async fn copy_shard(
        &self,
        at: &Address,
        copy: &CopyShard,
        deadline: Instant,
    ) -> Result<(), Failed> {
        self.call(at, copy, deadline).await
    }

    /// Deletes the copy of a shard. If the node does not have it, the error is `shard not found`.
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

    /// Drops the writes that a node keeps for another one that will not come back.
    pub async fn remove_hinted_handoff(
        &self,
        at: &Address,
        node: NodeId,
        deadline: Instant,
    ) -> Result<(), Failed> {
        self.call(at, &RemoveHintedHandoff { node }, deadline).await
    }

    /// Status that a node reports, over HTTP on the same port.
    pub async fn status(&self, at: &Address, deadline: Instant) -> Result<DataNodeStatus, Failed> {
        self.get_status(at, deadline).await
    }
}
