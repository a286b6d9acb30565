//! Limits of the HTTP API, its key for other meta nodes, and who may call.

use std::time::Duration;

use crate::auth::AuthConfig;
use crate::auth::proof::PeerKey;

/// The defaults are the product's; tests shorten them.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Timeout for an idle connection. Go clients keep idle connections for 90 s, load balancers
    /// for 60 s or less: they must close first, or a request meets a connection that is closing.
    pub idle_timeout: Duration,
    /// Timeout for a whole head, which has a few hundred bytes.
    pub head_timeout: Duration,
    /// Timeout between two pieces of a body.
    pub body_idle_timeout: Duration,
    /// Timeout for a whole body: 64 MiB in 300 s is 2 Mbit/s.
    pub body_timeout: Duration,
    /// Timeout for a peer that accepts no byte of an answer. Keep-alive probes do not notice a
    /// peer that is up and does not read.
    pub stall_timeout: Duration,
    /// Longest time in which the rest of a body is read and dropped after an answer that did not
    /// wait for it.
    pub linger_timeout: Duration,
    /// A cluster has tens of data nodes with a few connections each.
    pub max_connections: usize,
    /// Key made of `internal-shared-secret`, when that is set.
    pub peer_key: Option<PeerKey>,
    pub auth: AuthConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(150),
            head_timeout: Duration::from_secs(10),
            body_idle_timeout: Duration::from_secs(20),
            body_timeout: Duration::from_secs(300),
            stall_timeout: Duration::from_secs(60),
            linger_timeout: Duration::from_secs(1),
            max_connections: 4096,
            peer_key: None,
            auth: AuthConfig::default(),
        }
    }
}
