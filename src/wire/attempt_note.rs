//! Bytes of the notes of the log entry that is being applied and of the snapshot that is being
//! loaded: the files `applying` and `loading`.
//!
//! ```text
//! magic 8 | format 4 | crc of the rest 4 | incarnation 16 | term 8 | index 8 | bytes 8 | attempts 4
//! ```
//! The file is overwritten in place. Bytes that are no note of this format mean that nothing was being
//! applied: the note only protects from a loop of crashes.

use crate::base::{Incarnation, LogId};
use crate::wire::version::ATTEMPT_NOTE;

const FORMAT: u32 = ATTEMPT_NOTE.newest();
const MAGIC: [u8; 8] = *b"IMETAAPL";
const PREFIX_LEN: usize = 16;

/// Length of a note. It never changes: an overwrite in place needs no space on the disk.
pub const ATTEMPT_NOTE_LEN: usize = 60;

/// Attempts to apply an entry or to load a snapshot, of which none has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// The entry, or the last one in the snapshot.
    pub entry: LogId,
    /// Length of the entry in the log, or of the snapshot.
    pub bytes: u64,
    pub count: u32,
}

/// Encodes a note. `None` means that there is no attempt.
pub fn encode(incarnation: Incarnation, attempts: Option<Attempts>) -> [u8; ATTEMPT_NOTE_LEN] {
    let attempts = attempts.unwrap_or(Attempts {
        entry: LogId::default(),
        bytes: 0,
        count: 0,
    });
    let mut rest = Vec::with_capacity(ATTEMPT_NOTE_LEN - PREFIX_LEN);
    rest.extend_from_slice(&incarnation.0);
    for number in [attempts.entry.term, attempts.entry.index, attempts.bytes] {
        rest.extend_from_slice(&number.to_le_bytes());
    }
    rest.extend_from_slice(&attempts.count.to_le_bytes());
    let mut note = [0; ATTEMPT_NOTE_LEN];
    note[..8].copy_from_slice(&MAGIC);
    note[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    note[12..16].copy_from_slice(&crc32fast::hash(&rest).to_le_bytes());
    note[PREFIX_LEN..].copy_from_slice(&rest);
    note
}

/// Decodes a note of this volume. Returns `None` where there was no attempt, and for
/// everything that is no such note.
pub fn decode(incarnation: Incarnation, note: &[u8]) -> Option<Attempts> {
    let (prefix, rest) = note.get(..ATTEMPT_NOTE_LEN)?.split_at(PREFIX_LEN);
    let number = |at: usize| Some(u64::from_le_bytes(rest.get(at..at + 8)?.try_into().ok()?));
    let is_ours = prefix[..8] == MAGIC
        && prefix[8..12] == FORMAT.to_le_bytes()
        && prefix[12..] == crc32fast::hash(rest).to_le_bytes()
        && rest[..16] == incarnation.0;
    let count = u32::from_le_bytes(rest.get(40..44)?.try_into().ok()?);
    if !is_ours || count == 0 {
        return None;
    }
    Some(Attempts {
        entry: LogId {
            term: number(16)?,
            index: number(24)?,
        },
        bytes: number(32)?,
        count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Incarnation = Incarnation([7; 16]);

    fn attempts() -> Attempts {
        Attempts {
            entry: LogId { term: 3, index: 17 },
            bytes: 3_600_000,
            count: 2,
        }
    }

    /// Bytes on disks: they never change.
    #[test]
    fn a_note_has_these_bytes() {
        assert_eq!(
            hex::encode(encode(OURS, Some(attempts()))),
            "494d45544141504c01000000db58063f070707070707070707070707070707070300000000000000\
             110000000000000080ee36000000000002000000"
        );
    }

    #[test]
    fn a_note_is_read_back_by_its_volume_alone() {
        let note = encode(OURS, Some(attempts()));
        assert_eq!(decode(OURS, &note), Some(attempts()));
        assert_eq!(decode(Incarnation([8; 16]), &note), None);
        assert_eq!(decode(OURS, &encode(OURS, None)), None);
        assert_eq!(decode(OURS, &[]), None);
        for at in 0..note.len() {
            let mut damaged = note;
            damaged[at] ^= 1;
            assert_eq!(decode(OURS, &damaged), None, "byte {at}");
        }
    }
}
