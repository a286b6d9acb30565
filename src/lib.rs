//! The meta node of an InfluxDB Enterprise v1 style cluster, and its admin tool. The manual is in
//! `src/docs`; its page architecture.md describes the folders.
//!
//! The lowest folder comes first. A folder imports only folders above it in architecture.md;
//! `tests/it/architecture.rs` checks that.
//!
//! *Plain values and bytes*, without IO and without a clock:
//! - [`base`]: ids, instants, addresses and names, as types that cannot be confused
//! - [`catalog`]: the replicated data, and all invariants in one list
//! - [`machine`]: the effect of each command: `apply(catalog, log id, stamped command) → outcome`
//! - [`wire`]: every byte that is stored or sent, with its format version
//!
//! *The outside world*, behind interfaces that simulations replace:
//! - [`runtime`]: tasks, signals, and clock, randomness, network and disk in one `Env`
//! - [`telemetry`]: log lines and metrics
//! - [`tls`]: trusted authorities and the handshake of outgoing connections
//! - [`auth`]: tokens, passwords, and proofs between meta nodes
//! - [`storage`]: the directory, the log and snapshots, durably
//! - [`client`]: calls to other meta nodes over HTTP
//! - [`data_node`]: calls to data nodes, on their port 8088
//!
//! *A node*:
//! - [`raft`]: openraft over `storage` and `machine`, the transport on 8089, `propose`
//! - [`cluster`]: what this node is and which cluster it belongs to; founding; when Raft opens
//! - [`service`]: what a caller may ask, and which node answers
//! - [`http`]: the API on 8091
//!
//! *Programs*:
//! - [`config`]: keys, layers, and the check of all keys at once
//! - [`ctl`]: the admin tool, `influxd-ctl`
//! - [`app`]: order of start and stop, exit codes
//!
//! # The way of a write
//!
//! [`http`] reads the bytes → [`wire`] decodes them; bytes that cannot be decoded never enter the
//! log → [`service`] finds the leader → [`raft`] stamps, encodes once and orders → [`storage`]
//! makes it durable, here and on a majority → [`machine`] applies the same bytes on every node →
//! the outcome goes back the same way, and [`service`] wakes the long polls. More in
//! write_path.md.

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
