//! Bytes of the log: a segment's head, and the records behind it. Numbers are little-endian.
//!
//! Owns: the format and its version, and what a valid byte sequence is. Never: files, or what a bad
//! sequence means (`storage::log` judges that).
//!
//! A segment is a head of one sector, then records on 8-byte borders, then zeros to its end.

mod entry;
mod fields;
mod head;
mod record;

pub use entry::{Entry, EntryKind, Vote};
pub use head::{HEAD_LEN, Head, HeadError};
pub use record::{ALIGN, HEADER_LEN, Header, MARK_LEN, MAX_PAYLOAD, Record, RecordError, Stamp};
