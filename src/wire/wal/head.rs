//! Head of a segment: one sector, so that a torn write leaves the old head or the new one.
//!
//! ```text
//! magic 8 | format 4 | crc of these 4 | incarnation 16 | salt 8 | epoch 8 | first seq 8
//!   | vote | purged | last | committed | crc of all since the incarnation 4 | zeros
//! ```
//! The first 16 bytes keep this shape in every format, so that a newer head can be distinguished
//! from a damaged one.

use super::Vote;
use super::fields::{Fields, put_optional_log_id, put_optional_vote};
use crate::base::{Incarnation, LogId};
use crate::wire::version::WAL;

/// Newest format of heads and records that this version reads, and the one that it writes.
const FORMAT: u32 = WAL.newest();

/// Length of a head: one sector, the most that a disk writes atomically.
pub const HEAD_LEN: usize = 512;

const MAGIC: [u8; 8] = *b"IMETAWAL";
const PREFIX_LEN: usize = 16;

/// State of a segment and of the log before it. All records before `first_seq` were synced when the
/// head was written, so the oldest segment needs none of the segments that were deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub incarnation: Incarnation,
    /// Random number, new for each segment. Seed of the CRC of record headers.
    pub salt: u64,
    pub epoch: u64,
    /// 0 in the reserve segment, which does not belong to the log yet.
    pub first_seq: u64,
    pub vote: Option<Vote>,
    pub purged: Option<LogId>,
    /// Last entry before this segment.
    pub last: Option<LogId>,
    pub committed: Option<LogId>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    #[error("no valid head")]
    Invalid,
    #[error("format {found}, this version reads up to {FORMAT}")]
    Newer { found: u32 },
}

impl Head {
    pub fn encode(&self) -> [u8; HEAD_LEN] {
        let mut out = Vec::with_capacity(HEAD_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out.extend_from_slice(&self.incarnation.0);
        for number in [self.salt, self.epoch, self.first_seq] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        put_optional_vote(&mut out, self.vote);
        for id in [self.purged, self.last, self.committed] {
            put_optional_log_id(&mut out, id);
        }
        out.extend_from_slice(&crc32fast::hash(&out[PREFIX_LEN..]).to_le_bytes());
        let mut sector = [0; HEAD_LEN];
        sector[..out.len()].copy_from_slice(&out);
        sector
    }

    /// # Errors
    /// [`HeadError::Newer`] only when the prefix is intact, so that a flipped bit is never taken
    /// for a newer format.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let format = decode_prefix(bytes).ok_or(HeadError::Invalid)?;
        if format > FORMAT {
            return Err(HeadError::Newer { found: format });
        }
        Self::decode_body(&bytes[PREFIX_LEN..]).ok_or(HeadError::Invalid)
    }

    fn decode_body(body: &[u8]) -> Option<Self> {
        let mut fields = Fields(body);
        let head = Self {
            incarnation: Incarnation(fields.array()?),
            salt: fields.u64()?,
            epoch: fields.u64()?,
            first_seq: fields.u64()?,
            vote: fields.optional_vote()?,
            purged: fields.optional_log_id()?,
            last: fields.optional_log_id()?,
            committed: fields.optional_log_id()?,
        };
        let covered = body.len() - fields.0.len();
        (fields.u32()? == crc32fast::hash(&body[..covered])).then_some(head)
    }
}

fn decode_prefix(bytes: &[u8]) -> Option<u32> {
    let mut fields = Fields(bytes);
    let magic: [u8; 8] = fields.array()?;
    let format = fields.u32()?;
    let intact = magic == MAGIC && fields.u32()? == crc32fast::hash(&bytes[..12]);
    (intact && format > 0).then_some(format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RaftId;

    fn head() -> Head {
        Head {
            incarnation: Incarnation([7; 16]),
            salt: 0x1234_5678_9abc_def0,
            epoch: 3,
            first_seq: 4711,
            vote: Some(Vote {
                term: 9,
                node: RaftId(2),
                committed: true,
            }),
            purged: Some(LogId {
                term: 8,
                index: 100,
            }),
            last: Some(LogId {
                term: 9,
                index: 200,
            }),
            committed: None,
        }
    }

    #[test]
    fn reads_what_it_wrote() {
        assert_eq!(Head::decode(&head().encode()), Ok(head()));
    }

    #[test]
    fn a_flipped_bit_is_invalid_or_harmless_and_never_a_newer_format() {
        let good = head().encode();
        for bit in 0..good.len() * 8 {
            let mut bytes = good;
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Head::decode(&bytes) {
                Ok(read) => assert_eq!(read, head(), "bit {bit} changed the head unseen"),
                Err(error) => assert_eq!(error, HeadError::Invalid, "bit {bit}"),
            }
        }
    }

    #[test]
    fn a_newer_format_says_so() {
        let mut bytes = head().encode();
        bytes[8..12].copy_from_slice(&(FORMAT + 1).to_le_bytes());
        let crc = crc32fast::hash(&bytes[..12]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(
            Head::decode(&bytes),
            Err(HeadError::Newer { found: FORMAT + 1 })
        );
    }
}
