//! The meta node of an InfluxDB Enterprise v1 style cluster, and its admin tool. The manual is in
//! `src/docs`.
//!
//! Folders, lowest first; imports point downwards only, and `tests/it/architecture.rs` holds the
//! table of who may name whom.
//!
//! *Plain values and bytes*, without IO or a clock:
//! - [`base`]: ids, instants, addresses and names, as types that cannot be mixed up
//! - [`catalog`]: the replicated data, and every invariant in one list
//! - [`machine`]: what each command means: `apply(catalog, log id, stamped command) → outcome`
//! - [`wire`]: every byte that is stored or sent, with its format version
//!
//! *The outside world*, behind seams that a simulation replaces:
//! - [`runtime`]: tasks, signals, and clock, randomness, network and disk in one `Env`
//! - [`telemetry`]: log lines and metrics
//! - [`tls`]: whom this node trusts when it dials
//! - [`auth`]: proofs between meta nodes
//! - [`storage`]: the directory, the log and snapshots, durably
//! - [`client`]: calls to other meta nodes over HTTP
//! - [`data_node`]: calls to data nodes, on their port 8088
//!
//! *A node*:
//! - [`raft`]: openraft over `storage` and `machine`, the transport on 8089, `propose`
//! - [`cluster`]: what this node is and belongs to; founding; when Raft opens
//! - [`service`]: what a caller may ask, and which node answers
//! - [`http`]: the API on 8091
//!
//! *Programs*:
//! - [`config`]: keys, layers, and checking all of them at once
//! - [`ctl`]: the admin tool, `influxd-ctl`
//! - [`app`]: start order, drain order, exit codes
//!
//! # How a write travels
//!
//! [`http`] reads the bytes → [`wire`] decodes them, and what cannot be decoded never enters the
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
