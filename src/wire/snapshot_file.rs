//! Bytes of a snapshot file. Numbers are little-endian; lengths are in bytes.
//!
//! ```text
//! magic 8 | format 4 | crc of these 4
//!   | header length 4 | its crc 4 | header
//!   | { chunk length 4 | its crc 4 | chunk } … | 0 4 | 0 4 | SHA-256 of all before 32
//! ```
//! The first 16 bytes keep this shape in every format.

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};

use super::version::SNAPSHOT_FILE;
use crate::base::LogId;

/// Newest format that this version reads, and the one that it writes.
const FORMAT: u32 = SNAPSHOT_FILE.newest();

const MAGIC: [u8; 8] = *b"IMETASNP";
const PREFIX_LEN: usize = 16;
/// Maximum length of a chunk. An error names the damaged chunk; smaller chunks would only add
/// overhead.
const MAX_CHUNK_BYTES: usize = 1 << 20;

/// Extent of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotHeader {
    pub last: Option<LogId>,
    /// Log id of the membership entry; `membership` is encoded by `frames::encode_membership`.
    pub membership_at: Option<LogId>,
    pub membership: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFileError {
    #[error("format {found}, this version reads up to {FORMAT}")]
    Newer { found: u32 },
    #[error("damaged at byte {at}: {what}")]
    Damaged { at: usize, what: &'static str },
}

/// Returns the file in pieces, in the order of the file. The payload is not copied.
pub fn encode(header: &SnapshotHeader, payload: &Bytes) -> Vec<Bytes> {
    let mut prefix = Vec::with_capacity(PREFIX_LEN);
    prefix.extend_from_slice(&MAGIC);
    prefix.extend_from_slice(&FORMAT.to_le_bytes());
    prefix.extend_from_slice(&crc32fast::hash(&prefix).to_le_bytes());
    let header = Bytes::from(encode_header(header));

    let mut parts = vec![Bytes::from(prefix), frame(&header), header];
    let mut rest = payload.clone();
    while !rest.is_empty() {
        let chunk = rest.split_to(rest.len().min(MAX_CHUNK_BYTES));
        parts.extend([frame(&chunk), chunk]);
    }
    parts.push(Bytes::from_static(&[0; 8]));
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    parts.push(Bytes::copy_from_slice(&hash.finalize()));
    parts
}

/// # Errors
/// See [`SnapshotFileError`]. Nothing is read from a file that is damaged anywhere.
pub fn decode(file: &Bytes) -> Result<(SnapshotHeader, Bytes), SnapshotFileError> {
    let mut reader = Reader { file, at: 0 };
    let prefix = reader.take(PREFIX_LEN, "the prefix is cut")?;
    let intact =
        prefix[..8] == MAGIC && prefix[12..] == crc32fast::hash(&prefix[..12]).to_le_bytes();
    if !intact {
        return Err(SnapshotFileError::Damaged {
            at: 0,
            what: "no snapshot file",
        });
    }
    let found = (&prefix[8..12]).get_u32_le();
    if found > FORMAT {
        return Err(SnapshotFileError::Newer { found });
    }
    let header = reader.framed()?;
    let header = decode_header(&header).ok_or(SnapshotFileError::Damaged {
        at: PREFIX_LEN,
        what: "header",
    })?;
    let payload = reader.payload()?;
    reader.check_end()?;
    Ok((header, payload))
}

struct Reader<'a> {
    file: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn damaged<T>(&self, what: &'static str) -> Result<T, SnapshotFileError> {
        Err(SnapshotFileError::Damaged { at: self.at, what })
    }

    fn take(&mut self, len: usize, what: &'static str) -> Result<Bytes, SnapshotFileError> {
        if self.file.len() - self.at < len {
            return self.damaged(what);
        }
        self.at += len;
        Ok(self.file.slice(self.at - len..self.at))
    }

    fn framed(&mut self) -> Result<Bytes, SnapshotFileError> {
        let mut frame = self.take(8, "a frame is cut")?;
        let (len, crc) = (frame.get_u32_le(), frame.get_u32_le());
        let bytes = self.take(len as usize, "a chunk is cut")?;
        if crc32fast::hash(&bytes) != crc {
            return self.damaged("a chunk does not match its checksum");
        }
        Ok(bytes)
    }

    fn payload(&mut self) -> Result<Bytes, SnapshotFileError> {
        let first = self.framed()?;
        let mut whole = Vec::new();
        let mut chunk = first.clone();
        while !chunk.is_empty() {
            whole.extend_from_slice(&chunk);
            chunk = self.framed()?;
        }
        Ok(Bytes::from(whole))
    }

    fn check_end(&mut self) -> Result<(), SnapshotFileError> {
        let hash = Sha256::digest(&self.file[..self.at]);
        if self.file[self.at..] != hash[..] {
            return self.damaged("the whole file does not match its hash");
        }
        Ok(())
    }
}

fn frame(bytes: &Bytes) -> Bytes {
    let mut frame = Vec::with_capacity(8);
    frame.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    frame.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    Bytes::from(frame)
}

fn encode_header(header: &SnapshotHeader) -> Vec<u8> {
    let mut out = Vec::new();
    for id in [header.last, header.membership_at] {
        out.push(u8::from(id.is_some()));
        let id = id.unwrap_or_default();
        out.extend_from_slice(&id.term.to_le_bytes());
        out.extend_from_slice(&id.index.to_le_bytes());
    }
    out.extend_from_slice(&header.membership);
    out
}

fn decode_header(bytes: &Bytes) -> Option<SnapshotHeader> {
    let mut rest = bytes.clone();
    let last = take_log_id(&mut rest)?;
    let membership_at = take_log_id(&mut rest)?;
    Some(SnapshotHeader {
        last,
        membership_at,
        membership: rest,
    })
}

fn take_log_id(rest: &mut Bytes) -> Option<Option<LogId>> {
    let present = rest.try_get_u8().ok()?;
    let id = LogId {
        term: rest.try_get_u64_le().ok()?,
        index: rest.try_get_u64_le().ok()?,
    };
    Some((present == 1).then_some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SnapshotHeader {
        SnapshotHeader {
            last: Some(LogId { term: 2, index: 70 }),
            membership_at: None,
            membership: Bytes::from_static(b"voters"),
        }
    }

    fn file(payload: &Bytes) -> Bytes {
        encode(&header(), payload).concat().into()
    }

    #[test]
    fn reads_what_it_wrote() {
        for len in [
            0,
            1,
            MAX_CHUNK_BYTES,
            MAX_CHUNK_BYTES + 1,
            3 * MAX_CHUNK_BYTES,
        ] {
            let payload = Bytes::from((0..len).map(|i| i as u8).collect::<Vec<_>>());
            assert_eq!(
                decode(&file(&payload)),
                Ok((header(), payload)),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_is_taken() {
        let good = file(&Bytes::from_static(b"the catalog"));
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            let read = decode(&bad.into());
            assert!(
                matches!(read, Err(SnapshotFileError::Damaged { .. })),
                "bit {bit}: {read:?}"
            );
        }
        for len in 0..good.len() {
            assert!(decode(&good.slice(..len)).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn a_newer_format_says_so() {
        let mut bytes = file(&Bytes::new()).to_vec();
        bytes[8..12].copy_from_slice(&(FORMAT + 1).to_le_bytes());
        let crc = crc32fast::hash(&bytes[..12]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(
            decode(&bytes.into()),
            Err(SnapshotFileError::Newer { found: FORMAT + 1 })
        );
    }
}
