//! Identity and its phases, founding, joining, the membership task, gossip; the life of the Raft
//! node.
//!
//! Owns: what this node is and belongs to, and when Raft opens. Never: Raft internals, HTTP.
//! `founding` decides without IO, `node` does; `docs/founding.md` argues why it is safe.

mod api;
mod config;
pub mod founding;
pub mod identity;
mod leader;
pub mod membership;
mod node;
mod peers;
mod refusal;
mod shared;
mod view;

use std::time::Duration;

pub use api::{Cluster, NodeRef};
pub use config::ClusterConfig;
pub use peers::exchange::{Exchange, PeerRequest, PeerResponse, PollError};
pub use peers::http::HttpExchange;
pub use refusal::Refusal;
pub use view::{Activity, Missing, NotMember, View};

/// What stops the start or the process; `app` maps it to an exit code.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// `identity` is damaged or of a newer version: 65.
    #[error("{0}")]
    BadIdentity(String),
    /// The log is of a newer version: 65.
    #[error("{0}")]
    NewerLog(String),
    #[error("{operation}: {source}")]
    Io {
        operation: &'static str,
        source: std::io::Error,
    },
    /// `join-timeout` passed: 75.
    #[error("no cluster after {0:?} (join-timeout): {1}")]
    JoinTimeout(Duration, String),
}
