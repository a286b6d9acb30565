//! Outbound calls to the meta API of other nodes, over HTTP/1.1 on `runtime::Net`.
//!
//! Owns: dialling (names resolved anew, every address tried), deadlines, reuse of connections,
//! redirects, signing what is our own, and what an answer that went wrong means ([`CallError`]).
//! Never: state of the cluster, or deciding what to do next. Every call ends by its deadline, and a
//! call that may have been executed is never sent twice. Callers: `ctl`, `cluster` (identity,
//! announcements), `service` (carried requests), `data_node` (dialling, `/status`).

mod answer;
mod calls;
mod connection;
mod dial;
mod error;
mod identity;
mod location;
mod message;
mod pool;
mod single_exchange;
mod traffic;

pub use answer::{Headers, Request, Response};
pub use calls::Client;
pub use dial::connect;
pub use error::{CallError, OtherService, Unreadable, Unsupported};
pub use identity::identity;
pub use single_exchange::exchange;
