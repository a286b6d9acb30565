//! Frames on 8089: every kind, a file for each.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};
use influxdb_meta::base::{Address, ClusterId, Incarnation, LogId, RaftId, StartId};
use influxdb_meta::wire::frames::{
    Append, Appended, BANNER, Challenge, Entry, EntryKind, Frame, Hello, Lane, ListenerIdentity,
    MAGIC, Proof, Proofs, Refused, RefusedFrame, Replica, Snapshot, Transfer, Transferred, Vote,
    VoteAnswer, VoteAsk, decode, encode,
};
use influxdb_meta::wire::identity::Starts;

use super::super::files;
use super::{assert_written, frozen};

#[test]
fn frames_of_version_1_are_read() {
    let streams = streams();
    for (file, want) in &streams {
        assert_eq!(&read(&frozen(file)), want, "{file}");
    }
    let there: Vec<String> = files("compat/v1/frames", ".bin")
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    let read: Vec<String> = streams
        .keys()
        .map(|file| format!("compat/v1/{file}"))
        .collect();
    assert_eq!(there, read, "no frozen file is left out");
}

#[test]
fn frames_of_version_1_are_what_is_written() {
    for (file, frames) in streams() {
        let mut bytes = BytesMut::new();
        frames.iter().for_each(|frame| encode(frame, &mut bytes));
        assert_written(file, &bytes);
    }
}

/// Bytes sent before a version is agreed on.
#[test]
fn the_first_bytes_on_8089_are_what_they_were() {
    assert_eq!(MAGIC, [0xc9, 0x49, 0x46, 0x4d, 0x38, 0x30, 0x38, 0x39]);
    assert_eq!(BANNER, b"influxd-meta raft port\n");
}

fn read(bytes: &[u8]) -> Vec<Frame> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let len = bytes.get_u32() as usize;
        frames.push(decode(bytes.split_to(len)).expect("a frame"));
    }
    frames
}

fn streams() -> BTreeMap<&'static str, Vec<Frame>> {
    let mut streams = BTreeMap::<_, Vec<_>>::new();
    for frame in frames() {
        streams.entry(file(&frame)).or_default().push(frame);
    }
    streams
}

/// File of a frame, by its kind on the wire. The match is complete: a new kind does not compile
/// without a file.
fn file(frame: &Frame) -> &'static str {
    match frame {
        Frame::Hello(_) => "frames/01-hello.bin",
        Frame::Challenge(_) => "frames/02-challenge.bin",
        Frame::Proof(_) => "frames/03-proof.bin",
        Frame::Accepted => "frames/04-accepted.bin",
        Frame::Refused(_) => "frames/05-refused.bin",
        Frame::Append(_) => "frames/06-append.bin",
        Frame::Appended(_) | Frame::AppendedWith(..) => "frames/07-appended.bin",
        Frame::End => "frames/08-end.bin",
        Frame::Idle => "frames/09-idle.bin",
        Frame::Vote(_) => "frames/10-vote.bin",
        Frame::PreVote(_) => "frames/11-pre-vote.bin",
        Frame::VoteAnswer(_) => "frames/12-vote-answer.bin",
        Frame::Transfer(_) => "frames/13-transfer.bin",
        Frame::Transferred(_) => "frames/14-transferred.bin",
        Frame::Snapshot(_) => "frames/15-snapshot.bin",
        Frame::Chunk(_) => "frames/16-chunk.bin",
        Frame::Installed(_) => "frames/17-installed.bin",
        Frame::Failed(_) | Frame::Full => "frames/18-failed.bin",
        Frame::Proofs(_) => "frames/19-proofs.bin",
        Frame::ListenerIdentity(_) => "frames/20-listener-identity.bin",
    }
}

/// Every variant, with every field set to a value of its own, and without the optional ones.
fn frames() -> Vec<Frame> {
    let mut frames = handshake();
    frames.extend(since_version_2());
    frames.extend(log());
    frames.extend(elections());
    frames.extend(snapshots());
    frames
}

const VOTE: Vote = Vote {
    term: 300,
    node: RaftId(2),
    committed: true,
};
const OTHER: Vote = Vote {
    term: 301,
    node: RaftId(3),
    committed: false,
};

fn id(term: u64, index: u64) -> LogId {
    LogId { term, index }
}

fn replica(k: u8) -> Replica {
    Replica {
        cluster_id: ClusterId([0xc1; 16]),
        raft_id: RaftId(k.into()),
        incarnation: Incarnation([k; 16]),
    }
}

/// Frames of version 2.
fn since_version_2() -> Vec<Frame> {
    let starts = Starts {
        counter: 70,
        ids: vec![StartId([0xa1; 8])],
        durable_seq: 4711,
    };
    let identity = ListenerIdentity {
        callee: Some(replica(2)),
        starts,
        proof: Some([0x22; 32]),
    };
    let unjoined = ListenerIdentity {
        callee: None,
        starts: Starts::default(),
        proof: None,
    };
    vec![
        Frame::Proofs(Proofs(Vec::new())),
        Frame::Proofs(Proofs(vec![[0x11; 32], [0x12; 32]])),
        Frame::ListenerIdentity(identity),
        Frame::ListenerIdentity(unjoined),
    ]
}

fn handshake() -> Vec<Frame> {
    let starts = Starts {
        counter: 70,
        ids: vec![StartId([0xa1; 8]), StartId([0xa2; 8])],
        durable_seq: 4711,
    };
    let hello = |lane, host| {
        Frame::Hello(Hello {
            versions: (1, 4),
            lane,
            sender: replica(1),
            sender_http: Address::new(host, 8091),
            receiver: replica(2),
            starts: starts.clone(),
            nonce: [6; 32],
        })
    };
    let challenge = |callee, starts, proof| {
        Frame::Challenge(Challenge {
            version: 1,
            nonce: [7; 32],
            callee,
            starts,
            proof,
        })
    };
    let refused = |(code, text): (_, &str)| {
        Frame::Refused(Refused {
            code,
            text: text.to_owned(),
        })
    };
    let refusals = [
        (RefusedFrame::Other, "other"),
        (RefusedFrame::Version, "version"),
        (RefusedFrame::NotMe, "not me"),
        (RefusedFrame::NotOpen, "not open"),
        (RefusedFrame::Tombstoned, "tombstoned"),
        (RefusedFrame::WrongSecret, "wrong secret"),
        (RefusedFrame::MissingSecret, "missing secret"),
    ];
    let mut frames = vec![
        hello(Lane::Append, "meta-1"),
        hello(Lane::Control, "10.0.0.1"),
        hello(Lane::Snapshot, "fd00::1"),
        challenge(Some(replica(2)), starts.clone(), Some([8; 32])),
        challenge(None, Starts::default(), None),
        Frame::Proof(Proof(Some([9; 32]))),
        Frame::Proof(Proof(None)),
        Frame::Accepted,
    ];
    frames.extend(refusals.map(refused));
    frames
}

fn log() -> Vec<Frame> {
    let entry = |index, kind, payload: Vec<u8>| Entry {
        log_id: id(300, index),
        kind,
        payload: payload.into(),
    };
    let entries = vec![
        entry(17, EntryKind::Blank, Vec::new()),
        entry(18, EntryKind::Command, frozen("entry-wire.bin")),
        entry(19, EntryKind::Membership, frozen("membership-joint.bin")),
    ];
    vec![
        Frame::Append(Append {
            vote: VOTE,
            prev: Some(id(299, 16)),
            entries,
            commit: Some(id(298, 15)),
        }),
        Frame::Append(Append {
            vote: VOTE,
            prev: None,
            entries: Vec::new(),
            commit: None,
        }),
        Frame::Appended(Appended::Matching(Some(id(300, 19)))),
        Frame::Appended(Appended::Matching(Some(id(0, 0)))),
        Frame::Appended(Appended::Matching(None)),
        Frame::Appended(Appended::Conflict(id(299, 16))),
        Frame::Appended(Appended::HigherVote(OTHER)),
        Frame::End,
        Frame::Idle,
    ]
}

fn elections() -> Vec<Frame> {
    let last = Some(id(300, 19));
    vec![
        Frame::Vote(VoteAsk {
            vote: OTHER,
            last,
            transfer: true,
        }),
        Frame::Vote(VoteAsk {
            vote: OTHER,
            last: None,
            transfer: false,
        }),
        Frame::PreVote(VoteAsk {
            vote: OTHER,
            last,
            transfer: false,
        }),
        Frame::VoteAnswer(VoteAnswer {
            vote: OTHER,
            granted: true,
            last,
        }),
        Frame::VoteAnswer(VoteAnswer {
            vote: VOTE,
            granted: false,
            last: None,
        }),
        Frame::Transfer(Transfer {
            from: VOTE,
            to: RaftId(3),
            last,
        }),
        Frame::Transfer(Transfer {
            from: VOTE,
            to: RaftId(3),
            last: None,
        }),
        Frame::Transferred(Transferred::Done),
        Frame::Transferred(Transferred::VoteChanged {
            expected: VOTE,
            actual: OTHER,
        }),
        Frame::Transferred(Transferred::Behind {
            expected: last,
            actual: Some(id(299, 16)),
        }),
        Frame::Transferred(Transferred::Behind {
            expected: last,
            actual: None,
        }),
    ]
}

fn snapshots() -> Vec<Frame> {
    let state = frozen("state-full.bin");
    let head = Snapshot {
        vote: VOTE,
        last: Some(id(300, 19)),
        membership_at: Some(id(0, 0)),
        membership: frozen("membership-joint.bin").into(),
        bytes: state.len() as u64,
        crc: crc32fast::hash(&state),
    };
    let nothing = Snapshot {
        last: None,
        membership_at: None,
        bytes: 0,
        crc: 0,
        ..head.clone()
    };
    vec![
        Frame::Snapshot(head),
        Frame::Snapshot(nothing),
        Frame::Chunk(state.into()),
        Frame::Installed(VOTE),
        Frame::Failed("what went wrong".to_owned()),
    ]
}
