//! The running membership, as the rest of the program holds it.

pub(in crate::cluster) mod found_promise;
mod join;
mod leave;
mod peer_requests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::timeout;

use crate::base::{Address, Incarnation, NodeId};
use crate::cluster::node::{self, Gossip, Started};
use crate::cluster::shared::Shared;
use crate::cluster::{ClusterConfig, ClusterError, Exchange, NotMember, View};
use crate::raft::Raft;
use crate::runtime::Env;
use crate::runtime::lock;
use crate::storage::DataDir;
use crate::wire::api::Announcement;
use crate::wire::identity::Identity;

/// This node's membership, running. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    pub(in crate::cluster) shared: Arc<Shared>,
    gossip: Arc<Gossip>,
    /// Held across an await by the one that waits for the process to end.
    failures: Arc<Mutex<mpsc::Receiver<ClusterError>>>,
}

/// A meta node as the catalog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRef {
    pub id: NodeId,
    pub http: Address,
    pub raft: Address,
}

/// A new leader is elected in less without this one; with it, it takes a few milliseconds.
const HAND_OVER_TIMEOUT: Duration = Duration::from_millis(500);

/// Closing the log is one fsync; a disk that hangs must not keep the process beyond two seconds.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(1200);

impl Cluster {
    /// Loads or makes the identity, listens on 8089, opens Raft if this volume is in a cluster,
    /// starts the driver. HTTP must be listening already (founding.md: listen before polling).
    ///
    /// # Errors
    /// What keeps this node from starting; see [`ClusterError`] for the exit codes. Damaged data
    /// does not: such a node is `halted` and stays up to say so.
    pub async fn start(
        env: Env,
        dir: DataDir,
        config: ClusterConfig,
        exchange: Arc<dyn Exchange>,
        raft_listen: SocketAddr,
    ) -> Result<Self, ClusterError> {
        let Started {
            shared,
            gossip,
            failures,
        } = node::start(env, dir, config, exchange, raft_listen).await?;
        Ok(Self {
            shared,
            gossip,
            failures: Arc::new(Mutex::new(failures)),
        })
    }

    /// The open Raft node.
    ///
    /// # Errors
    /// Why there is none.
    pub fn raft(&self) -> Result<Raft, NotMember> {
        self.shared.raft().ok_or_else(|| self.shared.not_member())
    }

    pub fn view(&self) -> Arc<View> {
        self.shared.view.borrow().clone()
    }

    /// Changes whenever `view` or `raft` would.
    pub fn changed(&self) -> watch::Receiver<Arc<View>> {
        self.shared.view.subscribe()
    }

    /// What this node answers to `/cluster/identity`.
    pub fn identity(&self) -> Identity {
        self.shared.identity()
    }

    /// Somebody posted their identity: a hint to poll them soon, nothing more (founding.md 3.3).
    pub fn hint(&self, theirs: &Identity, from: IpAddr) {
        self.shared.heard(theirs.incarnation);
        self.shared.hint(&theirs.http, Some(theirs.clone()), from);
    }

    /// A received announcement (wire.md 8), gossiped entries in its context included.
    pub fn announced(&self, announcement: &Announcement) {
        self.gossip.take(announcement);
    }

    /// What is known of other nodes, in the order of their `tcpAddr`.
    pub fn announcements(&self) -> Vec<Announcement> {
        self.gossip.all()
    }

    /// On the leader: what those wait for that are not yet what they are to be.
    pub fn waiting(&self) -> BTreeMap<Incarnation, String> {
        lock(&self.shared.task_states).clone()
    }

    /// Whether requests of other meta nodes without a proof are refused here (founding.md 11).
    pub fn requires_proof(&self) -> bool {
        let founded = self.shared.raft().and_then(|raft| {
            raft.applied()
                .borrow()
                .catalog
                .cluster
                .as_ref()
                .map(|cluster| cluster.with_secret)
        });
        founded.unwrap_or(self.shared.config.secret.is_some())
    }

    /// Resolves when the process must end by itself (join-timeout, a storage error).
    pub async fn failed(&self) -> ClusterError {
        match self.failures.lock().await.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// A restart is no farewell: leadership is handed over, Raft stops, the log is closed;
    /// membership stays.
    pub async fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        if let Some(raft) = self.shared.raft() {
            raft.hand_over(HAND_OVER_TIMEOUT).await;
            if timeout(SHUTDOWN_TIMEOUT, raft.shutdown()).await.is_err() {
                tracing::warn!(
                    event = "stop.slow",
                    "Raft did not stop in {SHUTDOWN_TIMEOUT:?}; nothing acknowledged is lost"
                );
            }
        }
    }
}
