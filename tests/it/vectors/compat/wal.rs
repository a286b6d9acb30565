//! Segments of the log, head and records; the files leave out the zeros behind the last record.
//! `storage::frozen` shows that they open as a log.

use influxdb_meta::base::{Incarnation, LogId, RaftId};
use influxdb_meta::wire::wal::{
    Entry, EntryKind, HEAD_LEN, HEADER_LEN, Head, Header, Record, Stamp, Vote,
};

use super::{assert_written, frozen};

/// Path of the reserve: two sectors behind its head take marks in turn.
const RESERVE: &str = "volume/wal/reserve";
const MARK_PLACES: [usize; 2] = [HEAD_LEN, 2 * HEAD_LEN];

#[test]
fn segments_of_format_1_are_read() {
    for segment in segments() {
        let bytes = frozen(segment.file);
        assert_eq!(
            Head::decode(&bytes).as_ref(),
            Ok(&segment.head),
            "{}",
            segment.file
        );
        let mut at = HEAD_LEN;
        for (stamp, want) in segment.stamped() {
            let (header, record) = record_at(&bytes, at, stamp.salt);
            assert_eq!(
                (stamp_of(&header, stamp.salt), &record),
                (stamp, want),
                "{}, byte {at}",
                segment.file
            );
            at += header.record_len();
        }
        assert_eq!(at, bytes.len(), "{}: nothing is left unread", segment.file);
    }
}

#[test]
fn segments_of_format_1_are_what_is_written() {
    for segment in segments() {
        let mut written = segment.head.encode().to_vec();
        for (stamp, record) in segment.stamped() {
            record.encode(&stamp, &mut written);
        }
        assert_written(segment.file, &written);
    }
}

#[test]
fn a_reserve_of_format_1_is_read_and_what_is_written() {
    let (bytes, head) = (frozen(RESERVE), reserve_head());
    assert_eq!(Head::decode(&bytes), Ok(head.clone()));
    let mut written = vec![0; 3 * HEAD_LEN];
    written[..HEAD_LEN].copy_from_slice(&head.encode());
    for (at, (seq, durable_to)) in MARK_PLACES.into_iter().zip([(31, 30), (29, 28)]) {
        let stamp = Stamp {
            salt: head.salt,
            seq,
            epoch: 1,
            durable_to,
        };
        let (header, record) = record_at(&bytes, at, head.salt);
        assert_eq!(
            (stamp_of(&header, head.salt), &record),
            (stamp, &OPEN),
            "byte {at}"
        );
        let mut mark = Vec::new();
        record.encode(&stamp, &mut mark);
        written[at..at + mark.len()].copy_from_slice(&mark);
    }
    assert_written(RESERVE, &written);
}

fn record_at(bytes: &[u8], at: usize, salt: u64) -> (Header, Record) {
    let header = Header::decode(&bytes[at..], salt).expect("a header");
    let payload = &bytes[at + HEADER_LEN..][..header.payload_len()];
    let record = Record::decode(&header, payload).expect("a record");
    (header, record)
}

fn stamp_of(header: &Header, salt: u64) -> Stamp {
    Stamp {
        salt,
        seq: header.seq,
        epoch: header.epoch,
        durable_to: header.durable_to,
    }
}

struct Segment {
    file: &'static str,
    head: Head,
    /// Records, each with its `durable_to`. Seqs continue from the head's; the epoch is 1.
    records: Vec<(u64, Record)>,
}

impl Segment {
    fn stamped(&self) -> impl Iterator<Item = (Stamp, &Record)> {
        let Head {
            salt, first_seq, ..
        } = self.head;
        let stamp = move |seq, durable_to| Stamp {
            salt,
            seq,
            epoch: 1,
            durable_to,
        };
        (first_seq..)
            .zip(&self.records)
            .map(move |(seq, (durable_to, record))| (stamp(seq, *durable_to), record))
    }
}

const OPEN: Record = Record::DurabilityMark { closed: false };

fn id(term: u64, index: u64) -> LogId {
    LogId { term, index }
}

fn vote(term: u64, node: u64, committed: bool) -> Vote {
    Vote {
        term,
        node: RaftId(node),
        committed,
    }
}

fn entry(term: u64, index: u64, kind: EntryKind, payload: Vec<u8>) -> Record {
    Record::Entry(Entry {
        log_id: id(term, index),
        kind,
        payload: payload.into(),
    })
}

fn segments() -> [Segment; 2] {
    [
        Segment {
            file: "volume/wal/0000000000000001",
            head: first_head(),
            records: first_records(),
        },
        Segment {
            file: "volume/wal/000000000000001a",
            head: second_head(),
            records: second_records(),
        },
    ]
}

fn first_head() -> Head {
    Head {
        incarnation: Incarnation([1; 16]),
        salt: 14_232_521_865_600_346_940,
        epoch: 0,
        first_seq: 1,
        vote: None,
        purged: None,
        last: None,
        committed: None,
    }
}

fn second_head() -> Head {
    Head {
        salt: 17_561_866_513_979_060_390,
        epoch: 1,
        first_seq: 26,
        vote: Some(vote(2, 3, true)),
        purged: Some(id(1, 1)),
        last: Some(id(2, 4)),
        committed: Some(id(2, 4)),
        ..first_head()
    }
}

fn reserve_head() -> Head {
    Head {
        salt: 7_313_543_279_846_440_201,
        first_seq: 0,
        last: Some(id(2, 5)),
        ..second_head()
    }
}

/// Every kind of record, with and without optional fields.
fn first_records() -> Vec<(u64, Record)> {
    let wire = || frozen("entry-wire.bin");
    let taken_back = |index| entry(1, index, EntryKind::Command, b"taken back".to_vec());
    vec![
        (0, OPEN),
        (1, OPEN),
        (1, taken_back(0)),
        (3, OPEN),
        (3, Record::TruncateAfter(None)),
        (3, Record::Committed(None)),
        (3, Record::Vote(vote(1, 1, false))),
        (7, OPEN),
        (7, Record::Vote(vote(1, 1, true))),
        (9, OPEN),
        (
            9,
            entry(0, 0, EntryKind::Membership, frozen("membership-joint.bin")),
        ),
        (9, entry(1, 1, EntryKind::Blank, Vec::new())),
        (9, entry(1, 2, EntryKind::Command, wire())),
        (13, OPEN),
        (13, Record::Committed(Some(id(1, 2)))),
        (13, taken_back(3)),
        (16, OPEN),
        (16, Record::Vote(vote(2, 3, true))),
        (18, OPEN),
        (18, Record::TruncateAfter(Some(id(1, 2)))),
        (18, entry(2, 3, EntryKind::Blank, Vec::new())),
        (18, entry(2, 4, EntryKind::Command, wire())),
        (22, OPEN),
        (22, Record::Committed(Some(id(2, 4)))),
        (22, Record::Purge(id(1, 1))),
    ]
}

fn second_records() -> Vec<(u64, Record)> {
    vec![
        (
            25,
            entry(2, 5, EntryKind::Command, frozen("entry-found.bin")),
        ),
        (26, OPEN),
        (26, Record::Vote(vote(3, 2, false))),
        (28, OPEN),
        (28, Record::DurabilityMark { closed: true }),
    ]
}
