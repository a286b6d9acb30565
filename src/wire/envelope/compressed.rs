//! Large wire commands, deflated to a fourth or less: the catalog of a restore, in an entry that a
//! slow network and an 8 MiB segment can carry.
//!
//! Only the proposer packs. Replicas unpack the same bytes, so which library packed them, and how
//! well, decides nothing.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Shorter commands stand as they came: packing would cost more than it saves.
pub(super) const MIN_COMPRESSED_BYTES: usize = 1 << 20;
pub(super) const SINCE_FORMAT: u32 = 3;
/// Of an unpacked command: what `/execute` takes. A few bytes must not become memory without end.
const MAX_UNCOMPRESSED_BYTES: u64 = 64 << 20;

/// `None` where packing makes it no shorter, and for what no replica would unpack.
pub(super) fn pack(command: &[u8]) -> Option<Bytes> {
    if command.len() as u64 > MAX_UNCOMPRESSED_BYTES {
        return None;
    }
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(command).ok()?;
    let packed = packer.finish().ok()?;
    (packed.len() < command.len()).then(|| packed.into())
}

/// # Errors
/// When the bytes are not one whole deflate stream, or hold more than may be.
pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacker = DeflateDecoder::new(bytes);
    let mut command = Vec::new();
    unpacker
        .by_ref()
        .take(MAX_UNCOMPRESSED_BYTES + 1)
        .read_to_end(&mut command)
        .map_err(|error| format!("a packed command that cannot be unpacked: {error}"))?;
    if command.len() as u64 > MAX_UNCOMPRESSED_BYTES {
        return Err(format!(
            "a packed command of more than {MAX_UNCOMPRESSED_BYTES} bytes"
        ));
    }
    if unpacker.total_in() != bytes.len() as u64 {
        return Err("bytes behind a packed command".to_owned());
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let command = b"a shard group, ".repeat(1 << 17);
        let packed = pack(&command).expect("shorter");
        assert!(packed.len() < command.len() / 50, "{}", packed.len());
        assert_eq!(unpack(&packed), Ok(command));
    }

    #[test]
    fn a_small_entry_cannot_take_all_memory() {
        let most = vec![0; MAX_UNCOMPRESSED_BYTES as usize];
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer
            .write_all(&most)
            .and_then(|()| packer.write_all(&[0]))
            .expect("packs");
        let much = packer.finish().expect("packs");
        assert!(much.len() < 1 << 20, "{}", much.len());
        assert_eq!(
            unpack(&much),
            Err(format!(
                "a packed command of more than {MAX_UNCOMPRESSED_BYTES} bytes"
            ))
        );
        assert_eq!(
            unpack(&pack(&most).expect("shorter")).map(|command| command.len()),
            Ok(most.len())
        );
        assert_eq!(
            pack(&[&most[..], &[0]].concat()),
            None,
            "no entry that would halt every node"
        );
    }

    #[test]
    fn cut_and_lengthened_streams_are_refused() {
        let packed = pack(&b"a restored catalog, ".repeat(1000)).expect("shorter");
        for len in 0..packed.len() {
            assert!(
                unpack(&packed[..len]).is_err(),
                "{len} of {} bytes",
                packed.len()
            );
        }
        let longer = [&packed[..], &[0]].concat();
        assert_eq!(
            unpack(&longer),
            Err("bytes behind a packed command".to_owned())
        );
    }
}
