//! Protobuf messages that several formats share, without generated code: those of the wire (proto2)
//! and internal ones. Messages of commands stand beside their conversions.
//!
//! Every field is optional here. Fields that are `required` in proto2 are checked when a message is
//! read, and always written. Strings of the wire are byte strings that are not checked for UTF-8
//! (wire.md 2), so they are `Vec<u8>`. The meaning of a field number never changes.

pub(super) mod data;
pub(super) mod shared;
pub(super) mod state;
