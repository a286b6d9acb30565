//! Configuration of this node's membership.

use std::time::Duration;

use crate::auth::{PeerKeys, PeerPolicy, PeerPolicyFacts, Secret};
use crate::base::Address;
use crate::raft::RaftConfig;

/// Validated by the module `crate::config`.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// `peers`, canonical, in the order given, without duplicates. Empty: an operator forms the
    /// cluster, or this node founds alone.
    pub peers: Vec<Address>,
    /// `bootstrap-expect` as configured.
    pub bootstrap_expect: Option<u64>,
    /// `-single-server`.
    pub single_server: bool,
    pub cluster_name: String,
    /// Maximum time until this node is in a cluster. Zero: no limit.
    pub join_timeout: Duration,
    /// `hostname`, when set.
    pub hostname: Option<String>,
    /// The system's host name.
    pub system_host_name: String,
    /// `http-bind-address` as configured: `:8091`, `0.0.0.0:8091`, `meta-1:8091`.
    pub http_bind: String,
    pub raft_bind: String,
    pub gossip_frequency: Duration,
    pub announcement_expiration: Duration,
    pub secret: Option<Secret>,
    /// Whether this node's configuration requires proofs of other meta nodes, whatever the catalog
    /// says: `auth-enabled` or one of the keys `raft-…-auth-required`.
    pub requires_proof: bool,
    /// The secret before, while it is changed.
    pub secret_old: Option<Secret>,
    pub raft: RaftConfig,
    /// For example `1.12.4-c1.12.4`.
    pub version: String,
}

impl ClusterConfig {
    /// Keys of the secret, when it is set.
    pub fn peer_keys(&self) -> Option<PeerKeys> {
        let old = self.secret_old.as_deref();
        self.secret
            .as_deref()
            .map(|secret| PeerKeys::derive(secret, old))
    }

    /// Returns the proof that this node requires of other meta nodes, given what the catalog says
    /// ([`PeerPolicyFacts::required_by_cluster`]).
    pub(super) fn peer_policy(&self, required_by_cluster: Option<bool>) -> PeerPolicy {
        PeerPolicy::of(PeerPolicyFacts {
            has_secret: self.secret.is_some(),
            required_here: self.requires_proof,
            required_by_cluster,
        })
    }
}
