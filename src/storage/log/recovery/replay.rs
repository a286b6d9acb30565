//! Records in their order, up to the first that is not the next one; and what that one means.

use std::path::Path;

use super::evidence::Evidence;
use super::tail::Tail;
use super::{LogError, Segment, damaged, io_error, read_head, show};
use crate::base::{Incarnation, LogId};
use crate::runtime::Disk;
use crate::storage::log::mirror::Mirror;
use crate::storage::log::pointers::Pointers;
use crate::storage::log::segment;
use crate::wire::wal::{HEAD_LEN, HEADER_LEN, Head, Header, Record, RecordError};

pub(super) struct Replay<'a> {
    disk: &'a dyn Disk,
    wal: &'a Path,
    incarnation: Incarnation,
    pub(super) evidence: Evidence,
    pub(super) mirror: Mirror,
    pub(super) segments: Vec<Segment>,
    tail: Option<Tail>,
    pub(super) next_seq: u64,
    epoch: u64,
}

impl<'a> Replay<'a> {
    pub(super) fn new(
        disk: &'a dyn Disk,
        wal: &'a Path,
        incarnation: Incarnation,
        evidence: Evidence,
    ) -> Self {
        let (mirror, segments) = (Mirror::default(), Vec::new());
        Self {
            disk,
            wal,
            incarnation,
            evidence,
            mirror,
            segments,
            tail: None,
            next_seq: 0,
            epoch: 0,
        }
    }

    pub(super) fn segment(&mut self, first_seq: u64) -> Result<(), LogError> {
        let path = self.wal.join(segment::name(first_seq));
        let file = self
            .disk
            .open(&path, false)
            .map_err(|e| io_error("open", &path, e))?;
        let bytes = file.read_all().map_err(|e| io_error("read", &path, e))?;
        let head = read_head(&bytes, &path, self.incarnation)?;
        if head.first_seq != first_seq {
            let text = format!(
                "its head begins with record {}: it was renamed",
                head.first_seq
            );
            return Err(damaged(&path, 0, &text));
        }
        self.follow(&path, &head)?;
        self.evidence.head(&head);
        self.segments.push(Segment {
            path: path.clone(),
            last_before: head.last,
        });
        let mut tail = Tail {
            path,
            file,
            bytes,
            salt: head.salt,
            offset: HEAD_LEN,
            records: Vec::new(),
            closed: false,
            stop: "",
            durable_to: 0,
        };
        self.records(&mut tail)?;
        self.tail = Some(tail);
        Ok(())
    }

    /// A later segment proves that everything before it was synced: it must begin where the one
    /// before ends.
    fn follow(&mut self, path: &Path, head: &Head) -> Result<(), LogError> {
        match &self.tail {
            None => {
                self.mirror = Mirror::before(Pointers {
                    vote: head.vote,
                    committed: head.committed,
                    purged: head.purged,
                    last: head.last,
                });
                self.next_seq = head.first_seq;
                self.epoch = head.epoch;
            }
            Some(before) if head.first_seq != self.next_seq || head.epoch < self.epoch => {
                let next = self.next_seq;
                let text = format!(
                    "record {next} is missing or bad ({}) although {} shows that it was durable",
                    before.stop,
                    path.display()
                );
                return Err(damaged(&before.path, before.offset, &text));
            }
            Some(_) => self.epoch = head.epoch,
        }
        Ok(())
    }

    /// Replays up to the first record that is not the next one.
    fn records(&mut self, tail: &mut Tail) -> Result<(), LogError> {
        loop {
            let (header, record) = match self.next_record(tail) {
                Ok(found) => found,
                Err(Stop::End(why)) => {
                    tail.stop = why;
                    return Ok(());
                }
                Err(Stop::Unreadable(error)) => {
                    return Err(damaged(&tail.path, tail.offset, &error.to_string()));
                }
            };
            tail.closed = record == Record::Mark { closed: true };
            self.mirror
                .apply(record)
                .map_err(|hole| damaged(&tail.path, tail.offset, &hole.to_string()))?;
            self.evidence.take(header.durable_to, header.epoch);
            tail.records.push((header.seq, tail.offset));
            tail.offset += header.record_len();
            self.next_seq += 1;
            self.epoch = header.epoch;
        }
    }

    fn next_record(&self, tail: &Tail) -> Result<(Header, Record), Stop> {
        let rest = &tail.bytes[tail.offset..];
        let header = Header::decode(rest, tail.salt).ok_or(Stop::End("no valid header"))?;
        if header.seq != self.next_seq {
            return Err(Stop::End("not the next record"));
        }
        if header.epoch < self.epoch {
            return Err(Stop::End("a record from before an earlier recovery"));
        }
        let payload = rest.get(HEADER_LEN..HEADER_LEN + header.payload_len());
        let payload = payload.ok_or(Stop::End("longer than its segment"))?;
        match Record::decode(&header, payload) {
            Ok(record) => Ok((header, record)),
            Err(RecordError::Checksum) => Err(Stop::End("its payload does not match its checksum")),
            Err(error @ RecordError::Unreadable) => Err(Stop::Unreadable(error)),
        }
    }

    /// Damage, or a torn tail that was never acknowledged?
    pub(super) fn judge(&mut self, snapshot: Option<LogId>) -> Result<Tail, LogError> {
        let Some(mut tail) = self.tail.take() else {
            return Err(damaged(self.wal, 0, "no segment"));
        };
        self.evidence.search(&tail.bytes, tail.offset, tail.salt);
        tail.durable_to = self.evidence.durable_to;
        if self.evidence.durable_to >= self.next_seq {
            let text = format!(
                "record {} is bad ({}), and a later one shows that everything up to {} was durable",
                self.next_seq, tail.stop, self.evidence.durable_to
            );
            return Err(damaged(&tail.path, tail.offset, &text));
        }
        if let Some(lost) = self.mirror.lost_entries() {
            let text = format!(
                "entries after {} and up to {} are in no segment",
                show(lost.after),
                lost.upto
            );
            return Err(damaged(&self.segments[0].path, 0, &text));
        }
        let purged = self.mirror.bounds().purged;
        if purged.map(|id| id.index) > snapshot.map(|id| id.index) {
            let text = format!(
                "purged up to {}, the newest valid snapshot ends at {}",
                show(purged),
                show(snapshot)
            );
            return Err(damaged(self.wal, 0, &text));
        }
        Ok(tail)
    }
}

enum Stop {
    End(&'static str),
    Unreadable(RecordError),
}
