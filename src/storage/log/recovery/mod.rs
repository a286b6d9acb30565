//! From files to a log, after whatever happened to them.
//!
//! Reading stops at the first bad record. Whether that is the end of what was ever acknowledged or
//! damage, the evidence decides: every header says up to which seq *everything* was synced when it
//! was written. What is then taken as read is written and synced again: the page cache is not the
//! disk.

mod evidence;
mod replay;
mod tail;

use std::io;
use std::path::Path;

use self::evidence::Evidence;
use self::replay::Replay;
use super::mirror::Mirror;
use super::segment::{self, RESERVE, Reserve, Segment};
use super::{ADVICE, LogError};
use crate::base::{Incarnation, LogId};
use crate::runtime::Disk;
use crate::runtime::disk::File;
use crate::wire::version;
use crate::wire::wal::{HEAD_LEN, Head, HeadError};

/// A log as read, everything in it durable.
pub(super) struct Recovered {
    pub(super) mirror: Mirror,
    pub(super) segments: Vec<Segment>,
    pub(super) file: Box<dyn File>,
    pub(super) salt: u64,
    pub(super) size: u64,
    /// Where the next record goes, and its seq.
    pub(super) offset: u64,
    pub(super) next_seq: u64,
    /// The highest epoch seen anywhere, on bytes that were cut too.
    pub(super) epoch: u64,
    pub(super) reserve: Option<Reserve>,
}

/// `None` when there has never been a log here.
pub(super) fn recover(
    disk: &dyn Disk,
    wal: &Path,
    incarnation: Incarnation,
    snapshot: Option<LogId>,
) -> Result<Option<Recovered>, LogError> {
    let names = disk.list(wal).map_err(|e| io_error("list", wal, e))?;
    let first_seqs: Vec<u64> = names
        .iter()
        .filter_map(|name| segment::parse_name(name))
        .collect();
    let mut evidence = Evidence::default();
    let reserve = match names.iter().any(|name| name == RESERVE) {
        true => read_reserve(disk, &wal.join(RESERVE), incarnation, &mut evidence)?,
        false => None,
    };
    if first_seqs.is_empty() {
        return if evidence.durable_to == 0 {
            Ok(None)
        } else {
            Err(no_segment(wal, &evidence))
        };
    }
    let mut replay = Replay::new(disk, wal, incarnation, evidence);
    for first_seq in first_seqs {
        replay.segment(first_seq)?;
    }
    let tail = replay.judge(snapshot)?;
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
        reserve,
    }))
}

fn read_head(bytes: &[u8], path: &Path, incarnation: Incarnation) -> Result<Head, LogError> {
    let head = match Head::decode(bytes) {
        Ok(head) => head,
        Err(HeadError::Newer { found }) => {
            return Err(LogError::Newer {
                path: path.to_owned(),
                found,
                newest: version::WAL.newest(),
            });
        }
        Err(error @ HeadError::Invalid) => return Err(damaged(path, 0, &error.to_string())),
    };
    if head.incarnation != incarnation {
        let text = format!(
            "it belongs to incarnation {}, this volume is {incarnation}",
            head.incarnation
        );
        return Err(damaged(path, 0, &text));
    }
    Ok(head)
}

/// A reserve with a torn head was never put to use; it is made anew.
fn read_reserve(
    disk: &dyn Disk,
    path: &Path,
    incarnation: Incarnation,
    evidence: &mut Evidence,
) -> Result<Option<Reserve>, LogError> {
    let file = disk
        .open(path, false)
        .map_err(|e| io_error("open", path, e))?;
    let size = file.size().map_err(|e| io_error("read", path, e))?;
    let mut start = vec![0; segment::RESERVE_HEAD_BYTES];
    let read = file
        .read_at(0, &mut start)
        .map_err(|e| io_error("read", path, e))?;
    start.truncate(read);
    if Head::decode(&start) == Err(HeadError::Invalid) {
        return Ok(None);
    }
    let head = read_head(&start, path, incarnation)?;
    evidence.head(&head);
    evidence.search(&start, HEAD_LEN, head.salt);
    Ok(Some(Reserve::new(file, head.salt, size)))
}

fn no_segment(wal: &Path, evidence: &Evidence) -> LogError {
    let text = format!(
        "no segment, although records up to {} were durable",
        evidence.durable_to
    );
    damaged(wal, 0, &text)
}

fn damaged(path: &Path, offset: usize, what: &str) -> LogError {
    LogError::Damaged(format!(
        "{}, byte {offset}: {what}. {ADVICE}",
        path.display()
    ))
}

fn io_error(operation: &str, path: &Path, source: io::Error) -> LogError {
    LogError::Io {
        operation: format!("{operation} {}", path.display()),
        source,
    }
}

fn show(id: Option<LogId>) -> String {
    id.map_or_else(|| "nothing".to_owned(), |id| id.to_string())
}
