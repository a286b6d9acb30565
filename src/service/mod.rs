//! What a caller may ask of this node: execute, watch, status, members, joining and leaving,
//! labels, data nodes, shards, work leases, health.
//!
//! Owns: the order of checks, who answers (this node, the leader by redirect, the leader by
//! carrying), and the shared bodies of the long poll. Never: axum, prost, HTTP types; deciding what
//! a command means. Invariants: an outcome that nobody can know is said to be unknown; a carried
//! request is never carried again; no answer hands out an index that the served catalog will not
//! reach by itself. Called by `http`; `app` builds it and gives it the cluster once that has
//! started.

mod apply_watcher;
mod cluster_api;
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
mod shards;
mod users;
mod watch;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::join;
use tokio::time::Instant;

pub use error::Error;
pub use execute::Executed;
pub use forwarder::{ForwardError, ForwardedRequest, ForwardedResponse, Forwarder};
pub use labels::Labels;
pub use leader::{
    CALLER_HEADER, FORWARDED_HEADER, LeaderRequest, Limits, MEANT_FOR_HEADER, NOT_EXECUTED, Reply,
    Retry,
};
pub use lease::Acquired;
pub use shards::{Shown, Which};
pub use watch::{PollBody, Polled};

use crate::auth::Login;
use crate::base::Address;
pub use crate::cluster::{ClusterApi, Refusal};
use crate::data_node::DataNodes;
use crate::raft::{Applied, Raft};
use crate::runtime::Env;
use crate::telemetry::metrics::Metrics;
use apply_watcher::ApplyWatcher;
use cluster_api::Starting;

#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// `consensus-timeout`: how long a request may wait for a leader and for its outcome.
    pub consensus_timeout: Duration,
    pub lease_duration: Duration,
    /// Data nodes that are added once they answer.
    pub add_data: Vec<Address>,
    /// As whom this node asks others on its own behalf.
    pub login: Login,
    /// `1.12.4-c1.12.4`-style.
    pub version: String,
    /// `http` or `https`: what this node says of itself, and the scheme of redirects.
    pub scheme: &'static str,
}

/// Answers callers. Shared by all connections.
pub struct Service {
    env: Env,
    config: ServiceConfig,
    metrics: Arc<Metrics>,
    carrier: Arc<dyn Forwarder>,
    data_nodes: DataNodes,
    /// Empty until the cluster has started: HTTP listens before the log is read.
    membership: OnceLock<Arc<dyn ClusterApi>>,
    starting: Starting,
    following: Arc<ApplyWatcher>,
    bodies: watch::BodyCache,
    leases: lease::Leases,
    copies: shards::Copies,
}

impl Service {
    pub fn new(
        env: &Env,
        carrier: Arc<dyn Forwarder>,
        data_nodes: DataNodes,
        metrics: Arc<Metrics>,
        config: ServiceConfig,
    ) -> Arc<Self> {
        Arc::new(Self {
            env: env.clone(),
            config,
            metrics,
            carrier,
            data_nodes,
            membership: OnceLock::new(),
            starting: Starting::default(),
            following: Arc::default(),
            bodies: watch::BodyCache::default(),
            leases: lease::Leases::default(),
            copies: shards::Copies::default(),
        })
    }

    /// The cluster has started: from here on its state is what callers see. Later calls change
    /// nothing.
    pub fn attach(self: &Arc<Self>, membership: Arc<dyn ClusterApi>) {
        if self.membership.set(membership.clone()).is_ok() {
            apply_watcher::start(&self.env, membership, self.following.clone());
            self.start_leading();
        }
    }

    /// What a leader does about data nodes by itself.
    fn start_leading(self: &Arc<Self>) {
        let wanted = self.config.add_data.clone();
        let (tasks, add, find) = (
            self.env.tasks.clone(),
            Arc::downgrade(self),
            Arc::downgrade(self),
        );
        self.env.tasks.detach(async move {
            tokio::select! {
                biased;
                () = tasks.stopped() => {}
                _ = join(data_nodes::add_all(add, wanted), shards::find_owners(find)) => {}
            }
        });
    }

    /// Not ready from here on, and whoever waits in a long poll or for a leader is answered 503.
    /// Idempotent.
    pub fn stop(&self) {
        self.following.stop();
    }

    pub fn version(&self) -> &str {
        &self.config.version
    }

    pub fn scheme(&self) -> &'static str {
        self.config.scheme
    }

    /// Calls to data nodes' 8088.
    pub fn data_nodes(&self) -> &DataNodes {
        &self.data_nodes
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// When a request that starts now has waited long enough.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.config.consensus_timeout
    }

    /// What is asked about membership; before `attach`, one that says "starting".
    fn membership(&self) -> &dyn ClusterApi {
        self.membership
            .get()
            .map_or(&self.starting as &dyn ClusterApi, AsRef::as_ref)
    }

    /// The open Raft node of a node that is not stopping.
    fn raft(&self) -> Result<Raft, Error> {
        if self.following.is_stopping() {
            return Err(Error::Stopping);
        }
        Ok(self.membership().raft()?)
    }

    /// The catalog as applied here; `None` when there is no Raft node.
    fn applied(&self) -> Option<Arc<Applied>> {
        let raft = self.membership().raft().ok()?;
        let applied = raft.applied().borrow().clone();
        Some(applied)
    }

    /// `Data.Index` of this node: 1 on a node that never joined (wire.md 5.1).
    pub fn index(&self) -> u64 {
        self.applied().map_or(1, |applied| applied.catalog.index)
    }
}
