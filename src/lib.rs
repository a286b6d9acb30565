//! The meta node of an InfluxDB Enterprise v1 style cluster, and its admin tool.
//!
//! Folders, lowest first; imports point downwards only (`tests/it/architecture.rs` holds the table).

pub mod base;
pub mod catalog;
pub mod machine;
pub mod wire;

pub mod auth;
pub mod runtime;
pub mod telemetry;

pub mod client;
pub mod storage;

pub mod raft;

pub mod cluster;

pub mod service;

pub mod http;

pub mod config;
pub mod ctl;

pub mod app;
pub mod docs;
