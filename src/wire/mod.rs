//! Bytes: protobuf, envelopes, records, frames and JSON bodies, each with its format version.
//!
//! Owns: the only knowledge of prost. Never: deciding anything. Invariants: no byte string makes a
//! decoder panic; `decode(encode(x)) == x`; what a format ever meant, it means for ever
//! (`tests/data/compat` holds bytes of each).

pub mod api;
pub mod data;
pub mod data_node;
pub mod envelope;
pub mod execute;
pub mod frames;
pub mod identity;
pub mod joining;
pub mod snapshot_file;
pub mod state;
pub mod version;
pub mod wal;

mod command_table;
mod convert;
mod fields;
pub mod go_duration;
mod proto;
