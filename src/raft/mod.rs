//! openraft's traits over `storage` and `machine`; the 8089 transport; `propose`.
//!
//! Owns: the only knowledge of openraft. Never: HTTP, founding. Asks an [`Admission`] who may talk to it.

mod node;

pub use node::{Admission, Hello, Refusal, Replica, Transport};
pub use node::{Applied, HandOver, OpenError, ProposeError, Raft, RaftConfig, RaftStatus, Role};
