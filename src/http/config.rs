//! Limits of the HTTP API, its keys for other meta nodes, and who may call.

use std::time::Duration;

use crate::auth::{AuthConfig, PeerKeys};

/// Maximum number of connections, with enough open files and memory.
const MAX_CONNECTIONS: usize = 4096;
/// Minimum number of connections: probes, and a few others.
const MIN_CONNECTIONS: usize = 16;
/// Open files that are not for connections to 8091: 64 handshakes on 8089; about 50 connections of
/// Raft and to other nodes; about 20 files of the log, of snapshots and of the identity; and the
/// rest of what a process opens.
const NODE_FILES: u64 = 160;
/// Memory of a connection: a head of the largest size, a small body, and its buffers.
const CONNECTION_BYTES: u64 = 32 << 10;
/// Connections have at most this part of the memory.
const CONNECTIONS_MEMORY_SHARE: u64 = 4;
/// Bodies of requests have at most this part of the memory. A body needs twice its length for a
/// moment, when its pieces are put together.
const BODIES_MEMORY_SHARE: u64 = 8;
/// Maximum of a head.
pub(super) const MAX_HEAD_BYTES: usize = 16 << 10;
/// Maximum of [`HttpConfig::body_budget`]: two restores of the largest size.
const MAX_BODY_BUDGET_BYTES: u64 = 128 << 20;
/// Minimum of [`HttpConfig::body_budget`].
const MIN_BODY_BUDGET_BYTES: u64 = 8 << 20;

/// Resources that limit connections and bodies. `None`: unknown, and taken for enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resources {
    pub open_files: Option<u64>,
    /// Bytes of memory that this process may use.
    pub memory: Option<u64>,
}

impl Resources {
    /// Maximum number of connections.
    pub fn max_connections(self) -> usize {
        let by_memory = self
            .memory
            .map(|bytes| bytes / CONNECTIONS_MEMORY_SHARE / CONNECTION_BYTES);
        let fewest = [self.connections_by_open_files(), by_memory];
        let fewest = fewest.into_iter().flatten().min();
        fewest
            .and_then(|fewest| usize::try_from(fewest).ok())
            .map_or(MAX_CONNECTIONS, |fewest| {
                fewest.clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
            })
    }

    fn connections_by_open_files(self) -> Option<u64> {
        self.open_files
            .map(|files| files.saturating_sub(NODE_FILES))
    }

    /// Bytes for the bodies of all requests together.
    pub fn body_budget(self) -> u64 {
        self.memory.map_or(MAX_BODY_BUDGET_BYTES, |bytes| {
            (bytes / BODIES_MEMORY_SHARE).clamp(MIN_BODY_BUDGET_BYTES, MAX_BODY_BUDGET_BYTES)
        })
    }

    /// Returns whether the limit of open files is so low that an ordinary number of clients may
    /// reach it.
    pub fn has_few_open_files(self) -> bool {
        const FEW_CONNECTIONS: u64 = 1024;
        self.connections_by_open_files()
            .is_some_and(|connections| connections < FEW_CONNECTIONS)
    }
}

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
    /// Bytes that all bodies together may have, besides the first 16 KiB of each.
    pub body_budget: u64,
    /// Keys made of `internal-shared-secret` and the old one, when that is set.
    pub peer_keys: Option<PeerKeys>,
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
            max_connections: MAX_CONNECTIONS,
            body_budget: MAX_BODY_BUDGET_BYTES,
            peer_keys: None,
            auth: AuthConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_and_bodies_follow_from_what_the_process_may_use() {
        let rows = [
            (None, None, 4096, 128 << 20),
            (Some(65_536), Some(1 << 40), 4096, 128 << 20),
            (Some(4096), None, 3936, 128 << 20),
            (Some(256), None, 96, 128 << 20),
            (Some(64), None, 16, 128 << 20),
            (None, Some(256 << 20), 2048, 32 << 20),
            (None, Some(64 << 20), 512, 8 << 20),
            (Some(256), Some(16 << 20), 96, 8 << 20),
        ];
        for (open_files, memory, connections, bodies) in rows {
            let resources = Resources { open_files, memory };
            assert_eq!(resources.max_connections(), connections, "{resources:?}");
            assert_eq!(resources.body_budget(), bodies, "{resources:?}");
        }
        let few = |files| {
            let open_files = Some(files);
            Resources {
                open_files,
                memory: None,
            }
            .has_few_open_files()
        };
        assert!(few(1024) && !few(4096));
    }
}
