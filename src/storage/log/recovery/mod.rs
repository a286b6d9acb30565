//! Recovery: reads the files after any kind of crash and returns the log.
//!
//! Reading stops at the first bad record. Evidence decides whether that is a write that was never
//! acknowledged, or damage: every header says up to which sequence number *everything* was synced
//! when it was written. Records that are accepted are then written and synced again, because
//! reading them does not prove that they are on the disk: they may be in the page cache only.

mod evidence;
mod head;
mod replay;
mod tail;

use std::path::Path;

use self::evidence::Evidence;
use self::head::read_head;
use self::replay::Replay;
use super::error::{DamageCause, LogError};
use super::mirror::Mirror;
use super::segment::{self, RESERVES, Reserve, Segment};
use crate::base::{Incarnation, LogId};
use crate::runtime::Disk;
use crate::runtime::disk::File;
use crate::wire::wal::{HEAD_LEN, Head, HeadError};

/// The log that was read. Everything in it is durable.
pub(super) struct Recovered {
    pub(super) mirror: Mirror,
    pub(super) segments: Vec<Segment>,
    pub(super) file: Box<dyn File>,
    pub(super) salt: u64,
    pub(super) size: u64,
    /// Offset and sequence number of the next record.
    pub(super) offset: u64,
    pub(super) next_seq: u64,
    /// Highest epoch found anywhere, also in bytes that were cut.
    pub(super) epoch: u64,
    pub(super) reserves: Vec<Reserve>,
}

/// Reads the log. Returns `None` if there has never been a log here.
pub(super) fn recover(
    disk: &dyn Disk,
    wal: &Path,
    incarnation: Incarnation,
    snapshot: Option<LogId>,
) -> Result<Option<Recovered>, LogError> {
    let names = disk.list(wal).map_err(LogError::io("list", wal))?;
    let first_seqs: Vec<u64> = names
        .iter()
        .filter_map(|name| segment::parse_name(name))
        .collect();
    let mut evidence = Evidence::default();
    let mut reserves = Vec::new();
    for name in RESERVES {
        if names.iter().any(|found| found == name) {
            reserves.extend(read_reserve(disk, wal, name, incarnation, &mut evidence)?);
        }
    }
    if first_seqs.is_empty() {
        return if evidence.durable_to == 0 {
            Ok(None)
        } else {
            let durable_to = evidence.durable_to;
            Err(LogError::damaged(
                wal,
                0,
                DamageCause::NoSegment { durable_to },
            ))
        };
    }
    let mut replay = Replay::new(disk, wal, incarnation, evidence);
    for first_seq in first_seqs {
        replay.read_segment(first_seq)?;
    }
    let tail = replay.finish(snapshot)?;
    let offset = tail.offset as u64;
    tail.make_durable(disk, wal, &replay.segments)?;
    Ok(Some(Recovered {
        mirror: replay.mirror,
        segments: replay.segments,
        salt: tail.salt,
        size: tail.bytes.len() as u64,
        file: tail.file,
        offset,
        next_seq: replay.next_seq,
        epoch: replay.evidence.epoch,
        reserves,
    }))
}

/// Reads the reserve. A reserve with a torn head was never used; a new one is made.
fn read_reserve(
    disk: &dyn Disk,
    wal: &Path,
    name: &'static str,
    incarnation: Incarnation,
    evidence: &mut Evidence,
) -> Result<Option<Reserve>, LogError> {
    let path = &wal.join(name);
    let file = disk.open(path, false).map_err(LogError::io("open", path))?;
    let size = file.size().map_err(LogError::io("read", path))?;
    let mut start = vec![0; segment::RESERVE_HEAD_BYTES];
    let read = file
        .read_at(0, &mut start)
        .map_err(LogError::io("read", path))?;
    start.truncate(read);
    if Head::decode(&start) == Err(HeadError::Invalid) {
        return Ok(None);
    }
    let head = read_head(&start, path, incarnation)?;
    evidence.add_head(&head);
    evidence.scan(&start, HEAD_LEN, head.salt);
    Ok(Some(Reserve::new(file, name, head.salt, size)))
}
