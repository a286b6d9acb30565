//! Bytes: protobuf, envelopes, records, frames and JSON bodies, each with its format version.
//!
//! Owns: the only knowledge of prost. Never: deciding anything.

pub mod api;
pub mod data;
pub mod envelope;
pub mod execute;
pub mod identity;
pub mod state;
