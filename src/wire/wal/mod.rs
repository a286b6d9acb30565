//! Bytes of the log: the head of a segment, and its records. Numbers are little-endian.
//!
//! Owns: the format, and the rules for valid bytes. Never: files, or the consequences of invalid
//! bytes (`storage::log` decides those).
//!
//! A segment is a head of one sector, then records aligned to 8 bytes, then zeros to its end.

mod entry;
mod fields;
mod head;
mod record;

pub use entry::{Entry, EntryKind, Vote};
pub use head::{HEAD_LEN, Head, HeadError};
pub use record::{ALIGN, HEADER_LEN, Header, MARK_LEN, MAX_PAYLOAD, Record, RecordError, Stamp};
