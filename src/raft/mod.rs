//! openraft's traits over `storage` and `machine`; the 8089 transport; proposals.
//!
//! Owns: all knowledge of openraft. Never: HTTP, founding. An [`Admission`] decides which nodes may
//! connect.

mod admission;
mod apply_guard;
mod clocks;
mod compaction;
mod config;
mod contact;
mod halt_latch;
mod log_store;
mod members;
mod network;
mod node;
mod propose;
mod quota;
mod room;
mod runtime;
mod snapshot_policy;
mod state_machine;
mod status;
#[cfg(test)]
mod suite;
mod types;

pub use crate::wire::frames::Replica;
pub use admission::{Admission, HandshakeRefusal, Hello};
pub use apply_guard::DeadlyEntry;
pub use clocks::{CLOCK_TOLERANCE, ClockFault, TimeRepairRefused};
pub use config::RaftConfig;
pub use halt_latch::{Halt, UnreadableEntry, UnreadableSnapshot};
pub use members::{ChangeError, MembershipNow};
pub use network::Transport;
pub use node::{AfterHandOver, HandOver, OpenError, Raft};
pub use propose::{
    BarrierError, MAX_COMMAND_BYTES, NotLeader, OUTCOME_UNKNOWN, ProposeError, UnknownReason,
};
pub use quota::{CatalogUse, OverQuota, QuotaLevel};
pub use room::DiskFault;
pub use state_machine::Applied;
pub use status::{RaftStatus, Role};
pub use types::MembershipError;

use config::Timers;
