//! The meta node of an InfluxDB Enterprise v1 style cluster, and its admin tool. The manual is in
//! [`docs`].
//!
//! Folders, lowest first. Imports point downwards only; `tests/it/architecture.rs` has the table of
//! the imports that are allowed.
//!
//! *Plain values and bytes*, without IO or a clock:
//! - [`base`]: ids, instants, addresses and names, each with its own type
//! - [`catalog`]: the replicated data, and the list of its invariants
//! - [`machine`]: the effect of each command: `apply(catalog, log id, stamped command) → outcome`
//! - [`wire`]: the formats of everything stored or sent, with their versions
//!
//! *The outside world*, behind interfaces that a simulation replaces:
//! - [`runtime`]: tasks, signals, and clock, randomness, network and disk in one `Env`
//! - [`telemetry`]: log lines and metrics
//! - [`tls`]: the authorities that this node trusts when it dials
//! - [`auth`]: tokens and passwords of callers, proofs between meta nodes
//! - [`storage`]: the directory, the log and snapshots, durably
//! - [`client`]: calls to other meta nodes over HTTP
//! - [`data_node`]: calls to data nodes, on their port 8088
//!
//! *A node*:
//! - [`raft`]: openraft over `storage` and `machine`, the transport on 8089, `propose`
//! - [`cluster`]: the identity of this node, founding, joining, membership
//! - [`service`]: the requests of callers, and which node executes them
//! - [`http`]: the API on 8091
//!
//! *Programs*:
//! - [`config`]: keys, layers, and checking all keys at once
//! - [`ctl`]: the admin tool, `influxd-ctl`
//! - [`app`]: start order, drain order, exit codes
//!
//! # How a write travels
//!
//! [`http`] reads the bytes → [`wire`] decodes them, and what cannot be decoded never enters the
//! log → [`service`] finds the leader → [`raft`] stamps, encodes once and orders → [`storage`]
//! makes it durable, here and on a majority → [`machine`] applies the same bytes on every node →
//! the outcome goes back the same way, and [`service`] wakes the long polls. More in
//! [`docs::write_path`].

pub mod base;
pub mod catalog;
pub mod machine;
pub mod wire;

pub mod runtime;
pub mod telemetry;
pub mod tls;

pub mod auth;
pub mod client;
pub mod data_node;
pub mod storage;

pub mod raft;

pub mod cluster;

pub mod service;

pub mod http;

pub mod config;
pub mod ctl;

pub mod app;
pub mod docs;
