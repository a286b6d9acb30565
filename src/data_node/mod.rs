//! Outbound calls to data nodes, on their port 8088: the frames of wire.md 10 and `GET /status`.
//!
//! Owns: one connection for each call, deadlines, and the meaning of a failed call ([`Failed`]).
//! Never: the choice of a node, or repeating a call: after a broken call it is not known what the
//! data node did, and only the caller knows whether executing it twice is harmless. No lock is held
//! and nothing is kept between calls: data nodes call the meta nodes while they answer
//! `JoinCluster`. Callers: `service`.

mod call;
mod config;
mod error;
mod nodes;
mod other_service;
mod read;

pub use config::DataNodesConfig;
pub use error::{Asked, Failed, FailureCause, OtherService, UnreadableAnswer};
pub use nodes::DataNodes;
