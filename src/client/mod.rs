//! Outbound calls to the meta API of other nodes, over HTTP/1.1 on `runtime::Net`.
//!
//! Owns: dialling (names are resolved anew, every address is tried), deadlines, reuse of
//! connections, redirects, signing of our own requests, and the meaning of failed calls
//! ([`CallError`]). Never: state of the cluster, or decisions on what to do next. Every call ends
//! by its deadline, and a call that may have been executed is never sent twice. Callers: `ctl`,
//! `cluster` (identity, announcements), `service` (forwarded requests), `data_node` (dialling,
//! `/status`).

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
