//! This node's identity and phases, founding, joining, the leader's membership task, gossip, and
//! the time for which the Raft node is open.
//!
//! Owns: what this node is and belongs to, and when Raft opens. Never: Raft internals, HTTP.
//! `founding` and `membership` decide without IO; `node` and `leader` execute. The argument that
//! all this is safe is in founding.md 9.

mod activity;
mod api;
mod config;
mod error;
pub mod founding;
pub mod identity;
mod leader;
pub mod membership;
mod node;
mod peers;
mod refusal;
mod view;
mod warning;

pub use activity::{Activity, Missing, MissingReason};
pub use api::{Cluster, ClusterApi, JoinNote, NodeRef};
pub use config::ClusterConfig;
pub use error::ClusterError;
pub use founding::OtherMembers;
pub use peers::addresses::KnownAddresses;
pub use peers::exchange::{Exchange, PeerRequest, PeerResponse, PollError};
pub use peers::http::HttpExchange;
pub use refusal::{
    Absent, BadPeerRequest, MembershipConflict, NotYet, PeerRefusal, Refusal, Unreachable,
};
pub use view::{NotMember, View};
pub use warning::{ALARMS, Warning};
