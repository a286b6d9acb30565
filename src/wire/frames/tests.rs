use bytes::{Bytes, BytesMut};

use super::*;
use crate::base::{Address, LogId, StartId, UnixNanos};
use crate::wire::identity::Starts;

fn replica() -> Replica {
    Replica {
        cluster_id: ClusterId([1; 16]),
        raft_id: RaftId(u64::MAX),
        incarnation: Incarnation([2; 16]),
    }
}

fn every_frame() -> Vec<Frame> {
    let id = LogId { term: 3, index: 17 };
    let vote = Vote {
        term: 3,
        node: RaftId(2),
        committed: true,
    };
    let starts = Starts {
        counter: 2,
        ids: vec![StartId([3; 8]), StartId([4; 8])],
        durable_seq: 5,
    };
    let hello = Hello {
        versions: (1, 4),
        lane: Lane::Snapshot,
        sender: replica(),
        sender_http: Address::new("fd00::1", 8091),
        receiver: replica(),
        starts: starts.clone(),
        nonce: [6; 32],
    };
    let entry = |kind, payload: &'static [u8]| Entry {
        log_id: id,
        kind,
        payload: payload.into(),
    };
    let entries = vec![
        entry(EntryKind::Blank, b""),
        entry(EntryKind::Command, b"\0command"),
        entry(EntryKind::Membership, b"members"),
    ];
    let challenge = |callee, proof| Challenge {
        version: 1,
        nonce: [7; 32],
        callee,
        starts: starts.clone(),
        proof,
    };
    vec![
        Frame::Hello(hello.clone()),
        Frame::Challenge(challenge(Some(replica()), Some([8; 32]))),
        Frame::Challenge(challenge(None, None)),
        Frame::Proof(Proof(Some([9; 32]))),
        Frame::Proof(Proof(None)),
        Frame::Accepted,
        Frame::Refused(Refused {
            code: RefusedFrame::Tombstoned,
            text: "gone".to_owned(),
        }),
        Frame::Append(Append {
            vote,
            prev: Some(id),
            entries,
            commit: None,
        }),
        Frame::Append(Append {
            vote,
            prev: None,
            entries: Vec::new(),
            commit: Some(id),
        }),
        Frame::Appended(Appended::Matching(None)),
        Frame::Appended(Appended::Matching(Some(LogId { term: 0, index: 0 }))),
        Frame::Appended(Appended::Conflict(id)),
        Frame::Appended(Appended::HigherVote(vote)),
        Frame::AppendedWith(
            Appended::Matching(Some(id)),
            MemberReport {
                full: true,
                clock: None,
            },
        ),
        Frame::AppendedWith(
            Appended::Conflict(id),
            MemberReport {
                full: false,
                clock: Some(UnixNanos(-1)),
            },
        ),
        Frame::End,
        Frame::Idle,
        Frame::Vote(VoteAsk {
            vote,
            last: None,
            transfer: true,
        }),
        Frame::PreVote(VoteAsk {
            vote,
            last: Some(id),
            transfer: false,
        }),
        Frame::VoteAnswer(VoteAnswer {
            vote,
            granted: false,
            last: Some(id),
        }),
        Frame::Transfer(Transfer {
            from: vote,
            to: RaftId(0),
            last: Some(id),
        }),
        Frame::Transferred(Transferred::Done),
        Frame::Transferred(Transferred::VoteChanged {
            expected: vote,
            actual: vote,
        }),
        Frame::Transferred(Transferred::Behind {
            expected: Some(id),
            actual: None,
        }),
        Frame::Snapshot(Snapshot {
            vote,
            last: Some(id),
            membership_at: Some(id),
            membership: Bytes::from_static(b"m"),
            bytes: 1 << 40,
            crc: 0xdead_beef,
        }),
        Frame::Chunk(Bytes::from_static(b"some of it")),
        Frame::Installed(vote),
        Frame::Failed("disk".to_owned()),
        Frame::Full,
    ]
}

fn body(frame: &Frame) -> Bytes {
    let mut bytes = BytesMut::new();
    encode(frame, &mut bytes);
    let head = bytes.split_to(LENGTH_BYTES);
    assert_eq!(
        head.as_ref(),
        (bytes.len() as u32).to_be_bytes(),
        "{frame:?}"
    );
    bytes.freeze()
}

#[test]
fn every_frame_comes_back_as_it_went() {
    for frame in every_frame() {
        assert_eq!(decode(body(&frame)), Ok(frame));
    }
}

/// A damaged body is an error or another frame. It never causes a panic, nor a default value for a
/// missing field.
#[test]
fn no_damage_makes_the_decoder_panic() {
    for frame in every_frame() {
        let whole = body(&frame);
        for end in 0..whole.len() {
            assert_ne!(
                decode(whole.slice(..end)),
                Ok(frame.clone()),
                "cut at {end}"
            );
        }
        for at in 0..whole.len() * 8 {
            let mut flipped = whole.to_vec();
            flipped[at / 8] ^= 1 << (at % 8);
            drop(decode(flipped.into()));
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(decode(Bytes::new()), Err(FrameError::Empty));
    assert_eq!(decode(Bytes::from_static(&[99])), Err(FrameError::Kind(99)));
    assert_eq!(
        decode(Bytes::from_static(&[6])),
        Err(FrameError::Field("vote"))
    );
    let mut chunk = body(&Frame::Chunk(Bytes::from_static(b"data"))).to_vec();
    *chunk.last_mut().expect("not empty") ^= 1;
    assert_eq!(decode(chunk.into()), Err(FrameError::Checksum));
}

#[test]
fn a_membership_comes_back_and_a_newer_one_is_told_apart() {
    let joint = RaftMembership {
        configs: vec![vec![RaftId(1), RaftId(2)], vec![RaftId(2), RaftId(3)]],
        nodes: (1..=4)
            .map(|id| (RaftId(id), Incarnation([id as u8; 16])))
            .collect(),
    };
    for membership in [joint, RaftMembership::default()] {
        assert_eq!(
            decode_membership(&encode_membership(&membership)),
            Ok(membership)
        );
    }
    assert_eq!(
        decode_membership(&[0x08, 2]),
        Err(FrameError::Newer {
            found: 2,
            newest: 1
        })
    );
    assert_eq!(decode_membership(b""), Err(FrameError::Field("format")));
}

/// Bytes of version 1. Members of every later version must send and read them.
#[test]
fn the_bytes_of_version_1_do_not_change() {
    assert_eq!(MAGIC, [0xC9, b'I', b'F', b'M', b'8', b'0', b'8', b'9']);
    let vote = Vote {
        term: 3,
        node: RaftId(2),
        committed: true,
    };
    let ask = Frame::Vote(VoteAsk {
        vote,
        last: Some(LogId { term: 2, index: 9 }),
        transfer: false,
    });
    assert_eq!(
        hex::encode(body(&ask)),
        "0a0a060803100218011204080210091800"
    );
    let entry = Entry {
        log_id: LogId { term: 3, index: 10 },
        kind: EntryKind::Command,
        payload: Bytes::from_static(b"x"),
    };
    let append = Frame::Append(Append {
        vote,
        prev: None,
        entries: vec![entry],
        commit: None,
    });
    assert_eq!(
        hex::encode(body(&append)),
        "060a060803100218011a0b0a040803100a10021a0178"
    );
    let membership = RaftMembership {
        configs: vec![vec![RaftId(1)]],
        nodes: vec![(RaftId(1), Incarnation([7; 16]))],
    };
    let bytes = hex::encode(encode_membership(&membership));
    assert_eq!(
        bytes,
        format!("0801120 3 0a0101 1a14 0801 1210 {}", "07".repeat(16)).replace(' ', "")
    );
}
