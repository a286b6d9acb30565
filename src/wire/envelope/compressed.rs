//! Large wire commands, compressed with deflate to a quarter or less: the catalog of a restore must
//! fit into an entry that a slow network and an 8 MiB segment can take.
//!
//! Only the proposer compresses. Replicas decompress the same bytes, so the library that compressed
//! them, and how well it did, makes no difference to them.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Minimum length of a command that is compressed. Compressing a shorter one costs more than it
/// saves.
pub(super) const MIN_COMPRESSED_BYTES: usize = 1 << 20;
/// First format of a log entry that may hold a compressed command.
pub(super) const SINCE_FORMAT: u32 = 3;
/// Maximum length of a decompressed command, which is also the maximum that `/execute` takes: a few
/// bytes must not fill the memory.
const MAX_UNCOMPRESSED_BYTES: u64 = 64 << 20;

/// Faults of a compressed command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompressionError {
    /// The text is the decompressor's.
    #[error("a packed command that cannot be unpacked: {0}")]
    Deflate(String),
    #[error("a packed command of more than {MAX_UNCOMPRESSED_BYTES} bytes")]
    TooLong,
    #[error("bytes behind a packed command")]
    Trailing,
}

/// Compresses a command. Returns `None` when that would not make it shorter, and when the command
/// is longer than a replica would decompress.
pub(super) fn compress(command: &[u8]) -> Option<Bytes> {
    if command.len() as u64 > MAX_UNCOMPRESSED_BYTES {
        return None;
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(command).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < command.len()).then(|| compressed.into())
}

/// # Errors
/// The bytes are not exactly one deflate stream, or hold more than [`MAX_UNCOMPRESSED_BYTES`].
pub(super) fn decompress(bytes: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut decoder = DeflateDecoder::new(bytes);
    let mut command = Vec::new();
    decoder
        .by_ref()
        .take(MAX_UNCOMPRESSED_BYTES + 1)
        .read_to_end(&mut command)
        .map_err(|error| CompressionError::Deflate(error.to_string()))?;
    if command.len() as u64 > MAX_UNCOMPRESSED_BYTES {
        return Err(CompressionError::TooLong);
    }
    if decoder.total_in() != bytes.len() as u64 {
        return Err(CompressionError::Trailing);
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_is_decompressed() {
        let command = b"a shard group, ".repeat(1 << 17);
        let compressed = compress(&command).expect("shorter");
        assert!(
            compressed.len() < command.len() / 50,
            "{}",
            compressed.len()
        );
        assert_eq!(decompress(&compressed), Ok(command));
    }

    #[test]
    fn a_small_entry_cannot_take_all_memory() {
        let most = vec![0; MAX_UNCOMPRESSED_BYTES as usize];
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder
            .write_all(&most)
            .and_then(|()| encoder.write_all(&[0]))
            .expect("compresses");
        let much = encoder.finish().expect("compresses");
        assert!(much.len() < 1 << 20, "{}", much.len());
        assert_eq!(decompress(&much), Err(CompressionError::TooLong));
        assert_eq!(
            decompress(&compress(&most).expect("shorter")).map(|command| command.len()),
            Ok(most.len())
        );
        assert_eq!(
            compress(&[&most[..], &[0]].concat()),
            None,
            "no entry that would halt every node"
        );
    }

    #[test]
    fn cut_and_lengthened_streams_are_refused() {
        let compressed = compress(&b"a restored catalog, ".repeat(1000)).expect("shorter");
        for len in 0..compressed.len() {
            assert!(
                decompress(&compressed[..len]).is_err(),
                "{len} of {} bytes",
                compressed.len()
            );
        }
        let longer = [&compressed[..], &[0]].concat();
        assert_eq!(decompress(&longer), Err(CompressionError::Trailing));
    }
}
