//! A snapshot file, and the membership in it.

use bytes::Bytes;
use influxdb_meta::base::{Incarnation, LogId, RaftId};
use influxdb_meta::wire::frames::{RaftMembership, decode_membership, encode_membership};
use influxdb_meta::wire::snapshot_file::{self, SnapshotHeader};

use super::{assert_written, frozen};

const FILE: &str = "volume/snap/2-4";

#[test]
fn a_snapshot_file_of_format_1_is_read() {
    let (header, payload) = snapshot_file::decode(&frozen(FILE).into()).expect("a snapshot");
    assert_eq!(header, self::header());
    assert_eq!(
        payload,
        frozen("state-full.bin"),
        "it holds the frozen state"
    );
    assert_eq!(decode_membership(&header.membership), Ok(membership()));
}

#[test]
fn a_snapshot_file_of_format_1_is_what_is_written() {
    assert_written("membership-joint.bin", &encode_membership(&membership()));
    let parts = snapshot_file::encode(&header(), &frozen("state-full.bin").into());
    assert_written(FILE, &parts.concat());
}

/// Too large to be kept as a file. Its last 32 bytes are a hash of all bytes before them.
#[test]
fn a_snapshot_of_two_chunks_is_what_is_written() {
    let payload = Bytes::from(vec![b'x'; (1 << 20) + 1]);
    let hash = snapshot_file::encode(&header(), &payload)
        .pop()
        .expect("parts");
    assert_eq!(
        hex::encode(hash),
        "12603720a01c2f2503510882ecec2444026a139b4bba52b5c9b66ea646edecc2"
    );
}

fn header() -> SnapshotHeader {
    SnapshotHeader {
        last: Some(LogId { term: 2, index: 4 }),
        membership_at: Some(LogId { term: 0, index: 0 }),
        membership: frozen("membership-joint.bin").into(),
    }
}

/// A joint membership: 3 takes the place of 1; 4 is a learner.
fn membership() -> RaftMembership {
    let ids = |ids: [u64; 2]| ids.map(RaftId).to_vec();
    RaftMembership {
        configs: vec![ids([1, 2]), ids([2, 3])],
        nodes: (1..=4)
            .map(|k| (RaftId(k.into()), Incarnation([k; 16])))
            .collect(),
    }
}
