//! Gzip stream (RFC 1952) of pieces that were compressed separately.
//!
//! Each piece ends at a byte border and refers to no bytes before it (RFC 1951), so that all pieces
//! between one head and one end are one member. One member for each piece would also be valid, but
//! some clients read only the first member.

use std::io::Write;

use bytes::Bytes;
use crc32fast::Hasher;

/// Head of a stream: deflate, without name, time and operating system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Last block of a stream. It is empty.
const LAST: [u8; 2] = [3, 0];

/// Compressed piece, with the CRC and length that the end of the stream needs.
#[derive(Debug)]
pub(super) struct Deflated {
    bytes: Bytes,
    crc: u32,
    len: u64,
}

impl Deflated {
    /// Compresses a piece at the fast level, because the next command that changes it replaces it.
    pub(super) fn of(plain: &[u8]) -> Self {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing to a vector cannot fail. The flush ends the piece at a byte border; the piece has
        // no last block of its own.
        let _ = encoder.write_all(plain).and_then(|()| encoder.flush());
        let bytes = std::mem::take(encoder.get_mut()).into();
        Self {
            bytes,
            crc: crc32fast::hash(plain),
            len: plain.len() as u64,
        }
    }
}

/// Returns the parts of a stream, in the order in which they are sent.
pub(super) fn stream<'a>(pieces: impl Iterator<Item = &'a Deflated>) -> Vec<Bytes> {
    let mut stream = vec![Bytes::from_static(&HEAD)];
    let (mut check, mut len) = (Hasher::new(), 0);
    for piece in pieces {
        check.combine(&Hasher::new_with_initial_len(piece.crc, piece.len));
        len += piece.len;
        stream.push(piece.bytes.clone());
    }
    // The format has the low 32 bits of the length.
    let end = [
        &LAST[..],
        &check.finalize().to_le_bytes(),
        &(len as u32).to_le_bytes(),
    ]
    .concat();
    stream.push(end.into());
    stream
}
