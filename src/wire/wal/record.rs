//! Records: a header with its own CRC, and a payload with another one.
//!
//! ```text
//! crc of the rest of the header, seeded with the segment's salt 4 | kind 1 | zeros 3
//!   | payload length 4 | payload crc 4 | seq 8 | epoch 8 | durable_to 8
//!   | payload | zeros to the next multiple of 8
//! ```
//! The salt is random and stands only in the segment's head, so no payload can imitate a header.

use bytes::Bytes;
use crc32fast::Hasher;

use super::fields::{Fields, put_log_id, put_optional_log_id, put_vote};
use super::{Entry, EntryKind, Vote};
use crate::base::LogId;

/// Length of a header, in bytes.
pub const HEADER_LEN: usize = 40;
/// Alignment of records, in bytes. Recovery searches for headers after a bad record only at its
/// multiples.
pub const ALIGN: usize = 8;
/// Length of a mark: a header without payload.
pub const MARK_LEN: usize = HEADER_LEN;
/// Maximum length of a payload, far above any proposal. A longer one is refused before it is
/// logged.
pub const MAX_PAYLOAD: usize = 256 << 20;

/// Content of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Vote(Vote),
    Entry(Entry),
    /// Deletes all entries after this one; `None`: all entries.
    TruncateAfter(Option<LogId>),
    Purge(LogId),
    Committed(Option<LogId>),
    /// Contains nothing but its header's `durable_to`. `closed`: the log was closed in order, and
    /// everything behind this mark is zero on the disk too.
    DurabilityMark {
        closed: bool,
    },
}

/// Fields of a header that the writer sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub salt: u64,
    pub seq: u64,
    pub epoch: u64,
    /// Highest seq up to which all records, in all files, are known to be synced.
    pub durable_to: u64,
}

/// A header whose CRC was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    kind: u8,
    payload_len: u32,
    payload_crc: u32,
    pub seq: u64,
    pub epoch: u64,
    pub durable_to: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The usual result of a torn write.
    #[error("the payload does not match its checksum")]
    Checksum,
    /// An intact record that this version never writes.
    #[error("the checksums are right but this version cannot read the record")]
    Unreadable,
}

impl Record {
    /// Number of bytes that [`Record::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        (HEADER_LEN + self.payload_len()).next_multiple_of(ALIGN)
    }

    pub fn encode(&self, stamp: &Stamp, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + HEADER_LEN, 0);
        self.put_payload(out);
        let payload = &out[start + HEADER_LEN..];
        let header = Header {
            kind: self.code(),
            payload_len: payload.len() as u32,
            payload_crc: crc32fast::hash(payload),
            seq: stamp.seq,
            epoch: stamp.epoch,
            durable_to: stamp.durable_to,
        };
        out[start..start + HEADER_LEN].copy_from_slice(&header.encode(stamp.salt));
        out.resize(start + (out.len() - start).next_multiple_of(ALIGN), 0);
    }

    /// # Errors
    /// See [`RecordError`].
    pub fn decode(header: &Header, payload: &[u8]) -> Result<Self, RecordError> {
        if crc32fast::hash(payload) != header.payload_crc {
            return Err(RecordError::Checksum);
        }
        Self::decode_payload(header.kind, payload).ok_or(RecordError::Unreadable)
    }

    /// Length of the payload. A test compares it with what [`Record::put_payload`] writes.
    fn payload_len(&self) -> usize {
        match self {
            Self::Vote(_) => 17,
            Self::Entry(entry) => 17 + entry.payload.len(),
            Self::TruncateAfter(_) | Self::Committed(_) => 17,
            Self::Purge(_) => 16,
            Self::DurabilityMark { .. } => 0,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Vote(_) => 1,
            Self::Entry(_) => 2,
            Self::TruncateAfter(_) => 3,
            Self::Purge(_) => 4,
            Self::Committed(_) => 5,
            Self::DurabilityMark { closed: false } => 6,
            Self::DurabilityMark { closed: true } => 7,
        }
    }

    fn put_payload(&self, out: &mut Vec<u8>) {
        match self {
            Self::Vote(vote) => put_vote(out, *vote),
            Self::Entry(entry) => {
                put_log_id(out, entry.log_id);
                out.push(entry.kind.code());
                out.extend_from_slice(&entry.payload);
            }
            Self::TruncateAfter(last) => put_optional_log_id(out, *last),
            Self::Purge(upto) => put_log_id(out, *upto),
            Self::Committed(committed) => put_optional_log_id(out, *committed),
            Self::DurabilityMark { .. } => {}
        }
    }

    fn decode_payload(kind: u8, payload: &[u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        let record = match kind {
            1 => Self::Vote(fields.vote()?),
            2 => {
                let log_id = fields.log_id()?;
                let kind = EntryKind::from_code(fields.u8()?)?;
                let payload = Bytes::copy_from_slice(std::mem::take(&mut fields.0));
                Self::Entry(Entry {
                    log_id,
                    kind,
                    payload,
                })
            }
            3 => Self::TruncateAfter(fields.optional_log_id()?),
            4 => Self::Purge(fields.log_id()?),
            5 => Self::Committed(fields.optional_log_id()?),
            6 => Self::DurabilityMark { closed: false },
            7 => Self::DurabilityMark { closed: true },
            _ => return None,
        };
        fields.0.is_empty().then_some(record)
    }
}

impl Header {
    /// Returns the header at the start of `bytes` if it is valid.
    pub fn decode(bytes: &[u8], salt: u64) -> Option<Self> {
        let mut fields = Fields(bytes.get(..HEADER_LEN)?);
        let crc = fields.u32()?;
        let kind = fields.u8()?;
        // Zeros are the common case. No kind is 0, so zeros are no header even if their CRC under
        // this salt is 0.
        if kind == 0 || fields.array()? != [0; 3] || crc != header_crc(salt, &bytes[4..HEADER_LEN])
        {
            return None;
        }
        let header = Self {
            kind,
            payload_len: fields.u32()?,
            payload_crc: fields.u32()?,
            seq: fields.u64()?,
            epoch: fields.u64()?,
            durable_to: fields.u64()?,
        };
        (header.durable_to < header.seq).then_some(header)
    }

    pub fn payload_len(&self) -> usize {
        self.payload_len as usize
    }

    /// Length of header, payload and the zeros to the next multiple of [`ALIGN`].
    pub fn record_len(&self) -> usize {
        (HEADER_LEN + self.payload_len()).next_multiple_of(ALIGN)
    }

    fn encode(&self, salt: u64) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[4] = self.kind;
        out[8..12].copy_from_slice(&self.payload_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.payload_crc.to_le_bytes());
        out[16..24].copy_from_slice(&self.seq.to_le_bytes());
        out[24..32].copy_from_slice(&self.epoch.to_le_bytes());
        out[32..40].copy_from_slice(&self.durable_to.to_le_bytes());
        let crc = header_crc(salt, &out[4..]);
        out[..4].copy_from_slice(&crc.to_le_bytes());
        out
    }
}

fn header_crc(salt: u64, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial((salt >> 32) as u32);
    hasher.update(&(salt as u32).to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RaftId;

    const STAMP: Stamp = Stamp {
        salt: 99 << 32 | 5,
        seq: 12,
        epoch: 2,
        durable_to: 10,
    };

    fn one_of_each() -> Vec<Record> {
        let id = LogId { term: 3, index: 14 };
        vec![
            Record::Vote(Vote {
                term: 5,
                node: RaftId(1),
                committed: true,
            }),
            Record::Entry(Entry {
                log_id: id,
                kind: EntryKind::Command,
                payload: Bytes::from_static(b"drop database x"),
            }),
            Record::TruncateAfter(Some(id)),
            Record::TruncateAfter(None),
            Record::Purge(id),
            Record::Committed(Some(id)),
            Record::DurabilityMark { closed: false },
            Record::DurabilityMark { closed: true },
        ]
    }

    fn read(bytes: &[u8], salt: u64) -> Option<Result<Record, RecordError>> {
        let header = Header::decode(bytes, salt)?;
        Some(Record::decode(
            &header,
            bytes.get(HEADER_LEN..HEADER_LEN + header.payload_len())?,
        ))
    }

    #[test]
    fn reads_what_it_wrote() {
        for record in one_of_each() {
            let mut bytes = Vec::new();
            record.encode(&STAMP, &mut bytes);
            assert_eq!(bytes.len(), record.encoded_len(), "{record:?}");
            assert_eq!(bytes.len() % ALIGN, 0);
            assert_eq!(read(&bytes, STAMP.salt), Some(Ok(record)));
        }
    }

    #[test]
    fn a_header_is_valid_only_under_its_own_salt() {
        let mut bytes = Vec::new();
        Record::DurabilityMark { closed: false }.encode(&STAMP, &mut bytes);
        for other in [0, STAMP.salt + 1, STAMP.salt ^ 1 << 63] {
            assert_eq!(Header::decode(&bytes, other), None);
        }
    }

    #[test]
    fn no_flipped_bit_changes_a_record_unseen() {
        for record in one_of_each() {
            let mut bytes = Vec::new();
            record.encode(&STAMP, &mut bytes);
            for bit in 0..bytes.len() * 8 {
                let mut bad = bytes.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                let padding = bit / 8 >= HEADER_LEN + record.payload_len();
                let seen = read(&bad, STAMP.salt) != Some(Ok(record.clone()));
                assert!(seen || padding, "bit {bit} of {record:?}");
            }
        }
    }
}
