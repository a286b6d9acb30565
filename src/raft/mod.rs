//! openraft's traits over `storage` and `machine`; the 8089 transport; `propose`.
//!
//! Owns: the only knowledge of openraft. Never: HTTP, founding. Asks an [`Admission`] who may talk
//! to it.

mod admission;
mod compaction;
mod config;
mod contact;
mod halt_latch;
mod log_store;
mod members;
mod network;
mod node;
mod propose;
mod runtime;
mod snapshot_policy;
mod state_machine;
mod status;
#[cfg(test)]
mod suite;
mod types;

pub use crate::wire::frames::Replica;
pub use admission::{Admission, Hello, Refusal};
pub use config::RaftConfig;
pub use members::{ChangeError, MembershipNow};
pub use network::Transport;
pub use node::{AfterHandOver, Applied, HandOver, OpenError, Raft};
pub use propose::{BarrierError, MAX_COMMAND_BYTES, ProposeError};
pub use status::{RaftStatus, Role};

use config::Timers;
