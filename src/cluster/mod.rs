//! Identity and its phases, founding, joining, the membership task, gossip; the life of the Raft
//! node.
//!
//! Owns: what this node is and belongs to, and when Raft opens. Never: Raft internals, HTTP.
//! `founding` decides without IO, `driver` does; `docs/founding.md` argues why it is safe.

mod by_hand;
mod config;
mod door;
mod driver;
mod evidence;
mod exchange;
pub mod founding;
mod gate;
mod gossip;
mod hand;
mod handle;
mod http_exchange;
pub mod identity;
mod leaving;
pub mod membership;
mod poll;
mod refusal;
mod serve;
mod shared;
pub mod vector;
mod view;

use std::time::Duration;

pub use config::ClusterConfig;
pub use exchange::{Ask, Exchange, PollError, Told};
pub use handle::{Cluster, NodeRef};
pub use http_exchange::HttpExchange;
pub use refusal::Refusal;
pub use view::{Doing, Missing, NotMember, View};

/// What stops the start or the process; `app` maps it to an exit code.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// `identity` is damaged or of a newer version: 65.
    #[error("{0}")]
    BadIdentity(String),
    /// The log is of a newer version: 65.
    #[error("{0}")]
    NewerLog(String),
    #[error("{deed}: {source}")]
    Io {
        deed: &'static str,
        source: std::io::Error,
    },
    /// `join-timeout` passed: 75.
    #[error("no cluster after {0:?} (join-timeout): {1}")]
    JoinTimeout(Duration, String),
}
