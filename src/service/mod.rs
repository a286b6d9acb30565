//! Requests of callers to this node: execute, watch, status, members, joining and leaving, labels,
//! users and roles, data nodes, shards, work leases, health.
//!
//! Owns: the order of checks; where a request is answered (here, at the leader by redirect, at the
//! leader by forwarding); the shared bodies of the long poll. Never: axum, prost, HTTP types;
//! deciding what a command means. Invariants: an outcome that is unknown is reported as unknown; a
//! forwarded request is never forwarded again; no answer contains an index that the served catalog
//! will not reach by itself. Called by `http`; `app` builds it and gives it the cluster once that
//! has started.

mod accounts;
mod apply_watcher;
mod background;
mod data_nodes;
mod error;
mod execute;
mod forwarder;
mod gauges;
mod health;
mod joining;
mod labels;
mod leader;
mod lease;
mod members;
mod one_at_a_time;
mod ping_all;
mod poll_body;
mod renewals;
mod restore;
mod shards;
mod starting;
mod time;
mod users;
mod watch;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

pub use error::{BadRequest, Conflict, DataNodeError, Error, SavingCopy, Shortage, UnknownOutcome};
pub use forwarder::{ForwardError, ForwardedRequest, ForwardedResponse, Forwarder};
pub use labels::Labels;
pub use leader::{LeaderRequest, Limits, Reply, Retry};
pub use lease::Acquired;
pub use poll_body::PollBody;
pub use shards::{ShardFilter, ShardListReader};
pub use watch::Polled;

use crate::auth::Login;
use crate::base::Address;
pub use crate::cluster::{ClusterApi, Refusal};
use crate::data_node::DataNodes;
pub use crate::raft::NotLeader;
use crate::raft::{Applied, Raft};
use crate::runtime::Env;
use crate::telemetry::metrics::Metrics;
use apply_watcher::ApplyWatcher;
use one_at_a_time::OneAtATime;
use ping_all::PingAll;
use poll_body::BodyCache;
use renewals::Renewals;
use shards::{Copies, SharedLists};
use starting::Starting;

#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// `consensus-timeout`: how long a request may wait for its outcome. For a leader it waits no
    /// longer than [`Raft::no_leader_timeout`].
    pub consensus_timeout: Duration,
    pub lease_duration: Duration,
    /// Data nodes that the leader adds once they answer.
    pub add_data: Vec<Address>,
    /// Login of this node's own requests to others.
    pub login: Login,
    /// Has the form `1.12.4-c1.12.4`.
    pub version: String,
    /// `http` or `https`: announced by this node, and used in redirects.
    pub scheme: &'static str,
}

/// Answers callers. Shared by all connections.
pub struct Service {
    env: Env,
    config: ServiceConfig,
    metrics: Arc<Metrics>,
    forwarder: Arc<dyn Forwarder>,
    data_nodes: DataNodes,
    /// Empty until the cluster has started: HTTP listens before the log is read.
    cluster: OnceLock<Arc<dyn ClusterApi>>,
    starting: Starting,
    watcher: Arc<ApplyWatcher>,
    bodies: BodyCache,
    shard_lists: SharedLists,
    /// Locked while a lease is decided, so that two data nodes that ask at once do not both get it.
    renewals: Mutex<Renewals>,
    copies: Copies,
    /// Restores that are proposed in parts: a second one would drop the parts of the first.
    restores: OneAtATime,
    /// Large commands that are decoded.
    large_commands: OneAtATime,
    ping_all: PingAll,
}

impl Service {
    pub fn new(
        env: &Env,
        forwarder: Arc<dyn Forwarder>,
        data_nodes: DataNodes,
        metrics: Arc<Metrics>,
        config: ServiceConfig,
    ) -> Arc<Self> {
        Arc::new(Self {
            env: env.clone(),
            config,
            metrics,
            forwarder,
            data_nodes,
            cluster: OnceLock::new(),
            starting: Starting::default(),
            watcher: Arc::default(),
            bodies: BodyCache::new(&env.tasks),
            shard_lists: SharedLists::new(&env.tasks),
            renewals: Mutex::default(),
            copies: Copies::default(),
            restores: OneAtATime::default(),
            large_commands: OneAtATime::default(),
            ping_all: PingAll::default(),
        })
    }

    /// Makes this node not ready, and answers 503 to callers that wait in a long poll or for a
    /// leader. Idempotent.
    pub fn stop(&self) {
        self.watcher.stop();
    }

    pub fn version(&self) -> &str {
        &self.config.version
    }

    pub fn scheme(&self) -> &'static str {
        self.config.scheme
    }

    /// Client for calls to data nodes, on their port 8088.
    pub fn data_nodes(&self) -> &DataNodes {
        &self.data_nodes
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the deadline of a request that starts now.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.config.consensus_timeout
    }

    /// Returns the cluster; before `attach`, one that answers "starting".
    fn cluster(&self) -> &dyn ClusterApi {
        self.cluster
            .get()
            .map_or(&self.starting as &dyn ClusterApi, AsRef::as_ref)
    }

    /// Returns the open Raft node of a node that is not stopping.
    fn raft(&self) -> Result<Raft, Error> {
        if self.watcher.is_stopping() {
            return Err(Error::Stopping);
        }
        Ok(self.cluster().raft()?)
    }

    /// Returns the state as applied here; `None` when there is no Raft node.
    fn applied(&self) -> Option<Arc<Applied>> {
        let raft = self.cluster().raft().ok()?;
        let applied = raft.applied().borrow().clone();
        Some(applied)
    }

    /// Returns `Data.Index` of this node: 1 on a node that never joined (wire.md 5.1).
    pub fn index(&self) -> u64 {
        self.applied().map_or(1, |applied| applied.catalog.index)
    }
}
