//! What the configuration says about this node's place in a cluster.

use std::time::Duration;

use crate::auth::Secret;
use crate::base::Address;
use crate::raft::RaftConfig;

/// Valid by construction (`config`).
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// `peers`, canonical, in the order given, duplicates removed. Empty: by hand.
    pub peers: Vec<Address>,
    /// `bootstrap-expect` as configured.
    pub bootstrap_expect: Option<u64>,
    /// `-single-server`.
    pub single_server: bool,
    pub cluster_name: String,
    /// Zero: for ever.
    pub join_timeout: Duration,
    /// `hostname`, when set.
    pub hostname: Option<String>,
    /// The system's host name.
    pub system_host_name: String,
    /// As configured: `:8091`, `0.0.0.0:8091`, `meta-1:8091`.
    pub http_bind: String,
    pub raft_bind: String,
    pub gossip_frequency: Duration,
    pub announcement_expiration: Duration,
    pub secret: Option<Secret>,
    pub raft: RaftConfig,
    /// `1.12.4-c1.12.4`-style.
    pub version: String,
}
