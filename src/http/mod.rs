//! The HTTP API on 8091: parses a request, calls `service`, shapes the reply.
//!
//! Owns: connections and their limits, routes, headers, and the only table from error to status
//! (`error.rs`). Never: rules of the domain. Invariants: every answer from 400 on has a JSON body
//! with `error` (except where hyper itself answers: what is no HTTP, or has a head beyond its
//! limits, gets an empty 400, 414 or 431, and the connection closes); no client can hold a task for
//! ever, except in a long poll; a panic fails one request; with `auth-enabled` a route is open only
//! if the table of routes says so. Called by `app`, which binds the listener first: probes are
//! answered before any cluster exists.

mod answer_deadline;
mod authenticate;
mod body;
mod body_budget;
mod caller_site;
mod chunked_body;
mod config;
mod connection;
mod connection_state;
mod dispatch;
mod error;
mod form;
mod leader;
mod params;
mod proof;
mod refused_callers;
mod reply;
mod request_context;
mod request_id;
mod request_scope;
mod routes;
mod server;
mod state;
mod status_page;
mod timeout_stream;
mod tracked_body;

pub use config::{HttpConfig, Resources};
pub use request_scope::in_request;
pub use routes::ROUTES;
pub use server::Server;
