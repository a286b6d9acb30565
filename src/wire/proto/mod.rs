//! Protobuf messages, derived by hand: the wire's (proto2) and ours.
//!
//! Every field is optional here: proto2's `required` is checked where a message is read, and always
//! written. The wire's strings are byte strings that nobody checks for UTF-8 (wire.md 2), so they
//! are `Vec<u8>`. A field number, once used, means the same for ever.

pub(super) mod data;
pub(super) mod shared;
pub(super) mod state;
