//! Replays records in order, up to the first that is not the next one, and decides what that one
//! means.

use std::path::Path;

use super::evidence::Evidence;
use super::head::read_head;
use super::tail::Tail;
use crate::base::{Incarnation, LogId};
use crate::runtime::Disk;
use crate::storage::log::error::{DamageCause, LogError, StopReason};
use crate::storage::log::mirror::{LostEntries, Mirror};
use crate::storage::log::pointers::{Pointers, index_of};
use crate::storage::log::segment::{self, Segment};
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

    pub(super) fn read_segment(&mut self, first_seq: u64) -> Result<(), LogError> {
        let path = self.wal.join(segment::file_name(first_seq));
        let file = self
            .disk
            .open(&path, false)
            .map_err(LogError::io("open", &path))?;
        let bytes = file.read_all().map_err(LogError::io("read", &path))?;
        let head = read_head(&bytes, &path, self.incarnation)?;
        if head.first_seq != first_seq {
            let cause = DamageCause::Renamed {
                first_seq: head.first_seq,
            };
            return Err(LogError::damaged(&path, 0, cause));
        }
        self.check_continues(&path, &head)?;
        self.evidence.add_head(&head);
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
            stop: StopReason::NoHeader,
            durable_to: 0,
        };
        self.replay_records(&mut tail)?;
        self.tail = Some(tail);
        Ok(())
    }

    /// Checks that a segment begins where the one before it ends: a later segment proves that
    /// everything before it was synced.
    fn check_continues(&mut self, path: &Path, head: &Head) -> Result<(), LogError> {
        match &self.tail {
            None => {
                self.mirror = Mirror::starting_at(Pointers {
                    vote: head.vote,
                    committed: head.committed,
                    purged: head.purged,
                    last: head.last,
                });
                self.next_seq = head.first_seq;
                self.epoch = head.epoch;
            }
            Some(before) if head.first_seq != self.next_seq || head.epoch < self.epoch => {
                let cause = DamageCause::MissingBeforeSegment {
                    seq: self.next_seq,
                    stop: before.stop,
                    later_segment: path.to_owned(),
                };
                return Err(LogError::damaged(&before.path, before.offset, cause));
            }
            Some(_) => self.epoch = head.epoch,
        }
        Ok(())
    }

    /// Replays up to the first record that is not the next one.
    fn replay_records(&mut self, tail: &mut Tail) -> Result<(), LogError> {
        loop {
            let (header, record) = match self.next_record(tail) {
                Ok(found) => found,
                Err(Stop::End(why)) => {
                    tail.stop = why;
                    return Ok(());
                }
                Err(Stop::Unreadable(error)) => {
                    let cause = DamageCause::Unreadable(error);
                    return Err(LogError::damaged(&tail.path, tail.offset, cause));
                }
            };
            tail.closed = record == Record::DurabilityMark { closed: true };
            self.mirror.apply(record).map_err(|hole| {
                LogError::damaged(&tail.path, tail.offset, DamageCause::Hole(hole))
            })?;
            self.evidence.add(header.durable_to, header.epoch);
            tail.records.push((header.seq, tail.offset));
            tail.offset += header.record_len();
            self.next_seq += 1;
            self.epoch = header.epoch;
        }
    }

    fn next_record(&self, tail: &Tail) -> Result<(Header, Record), Stop> {
        let rest = &tail.bytes[tail.offset..];
        let header = Header::decode(rest, tail.salt).ok_or(Stop::End(StopReason::NoHeader))?;
        if header.seq != self.next_seq {
            return Err(Stop::End(StopReason::OtherSeq));
        }
        if header.epoch < self.epoch {
            return Err(Stop::End(StopReason::EarlierEpoch));
        }
        let payload = rest.get(HEADER_LEN..HEADER_LEN + header.payload_len());
        let payload = payload.ok_or(Stop::End(StopReason::TooLong))?;
        match Record::decode(&header, payload) {
            Ok(record) => Ok((header, record)),
            Err(RecordError::Checksum) => Err(Stop::End(StopReason::Checksum)),
            Err(error @ RecordError::Unreadable) => Err(Stop::Unreadable(error)),
        }
    }

    /// Decides whether the end of the log is a torn write that was never acknowledged. Returns the
    /// last segment if so.
    ///
    /// # Errors
    /// The log is damaged: evidence or the snapshot shows that something durable is missing.
    pub(super) fn finish(&mut self, snapshot: Option<LogId>) -> Result<Tail, LogError> {
        let damaged = |path: &Path, offset, cause| Err(LogError::damaged(path, offset, cause));
        let Some(mut tail) = self.tail.take() else {
            return damaged(self.wal, 0, DamageCause::NoSegment { durable_to: 0 });
        };
        self.evidence.scan(&tail.bytes, tail.offset, tail.salt);
        tail.durable_to = self.evidence.durable_to;
        if self.evidence.durable_to >= self.next_seq {
            let cause = DamageCause::BadDurableRecord {
                seq: self.next_seq,
                stop: tail.stop,
                durable_to: self.evidence.durable_to,
            };
            return damaged(&tail.path, tail.offset, cause);
        }
        if let Some(LostEntries { after, upto }) = self.mirror.lost_entries() {
            let cause = DamageCause::LostEntries { after, upto };
            return damaged(&self.segments[0].path, 0, cause);
        }
        let purged = self.mirror.bounds().purged;
        if index_of(purged) > index_of(snapshot) {
            let cause = DamageCause::PurgedBeyondSnapshot { purged, snapshot };
            return damaged(self.wal, 0, cause);
        }
        Ok(tail)
    }
}

enum Stop {
    End(StopReason),
    Unreadable(RecordError),
}
