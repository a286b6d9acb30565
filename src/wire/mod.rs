//! Bytes: protobuf, envelopes, records, frames and JSON bodies. [`version`] lists all formats.
//!
//! Owns: the only knowledge of prost. Never: decisions. Invariants: no byte string makes a decoder
//! panic; `decode(encode(x)) == x`; the meaning of a format never changes (`tests/data/compat`
//! holds bytes of each).

pub mod accounts;
pub mod api;
pub mod attempt_note;
pub mod budget;
pub mod data;
pub mod data_node;
pub mod envelope;
pub mod execute;
pub mod frames;
pub mod go_duration;
pub mod go_json;
pub mod headers;
pub mod identity;
pub mod joining;
pub mod restore_parts;
pub mod shard_rows;
pub mod snapshot_file;
pub mod state;
pub mod version;
pub mod wal;

mod command_table;
mod convert;
mod fields;
mod hidden_ids;
mod proto;
