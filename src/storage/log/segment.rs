//! Segment files: names, creation, and the reserve.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::LogId;
use crate::runtime::Disk;
use crate::runtime::disk::File;
use crate::wire::wal::{HEAD_LEN, Head, Record, Stamp};

/// Names of the segments that are prepared in advance. On a full disk the log still writes into
/// them. The second exists only under load.
pub(super) const RESERVES: [&str; 2] = ["reserve", "reserve-2"];

/// A segment of the log. Every list has the oldest first.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// Last entry before this segment. When that entry is purged, this may be the oldest segment
    /// needed.
    pub(super) last_before: Option<LogId>,
}

/// A prepared segment. Until it is used, it holds copies of the latest durability mark.
pub(super) struct Reserve {
    pub(super) file: Box<dyn File>,
    /// Name of the file, from [`RESERVES`].
    pub(super) name: &'static str,
    pub(super) salt: u64,
    pub(super) size: u64,
    /// Number of marks written. They alternate between two sectors, so that a torn write destroys
    /// only one.
    marks_written: u64,
}

const SECTOR_BYTES: u64 = HEAD_LEN as u64;
/// Length of the head and of the two sectors for marks, which are overwritten when the reserve
/// becomes a segment.
pub(super) const RESERVE_HEAD_BYTES: usize = 3 * HEAD_LEN;

pub(super) fn file_name(first_seq: u64) -> String {
    format!("{first_seq:016x}")
}

/// Returns whether a name belongs to a log segment.
pub(in crate::storage) fn is_segment_name(name: &str) -> bool {
    parse_name(name).is_some()
}

pub(super) fn parse_name(text: &str) -> Option<u64> {
    let first_seq = u64::from_str_radix(text, 16).ok()?;
    (file_name(first_seq) == text).then_some(first_seq)
}

/// Creates a segment called `name`. It is filled with zeros, synced and renamed into place before
/// any record is written after its head. Later records then overwrite existing bytes, which needs
/// no space and no metadata.
pub(super) fn create(
    disk: &dyn Disk,
    wal: &Path,
    name: &str,
    size: u64,
    head: &Head,
) -> io::Result<Box<dyn File>> {
    let tmp = wal.join(format!("{name}.tmp"));
    let file = disk.open(&tmp, true)?;
    let written = file
        .set_len(0)
        .and_then(|()| write_empty_segment(&*file, size, head));
    if let Err(error) = written {
        // On a full disk the failed attempt must not occupy space. The first error is the one to
        // report.
        drop(disk.remove_file(&tmp));
        return Err(error);
    }
    // Safety order: sync zeros and head, then rename, then sync the folder, then write records. A
    // name that is durable before its head would be a segment without a valid head: the node would
    // halt. A record written before the folder is synced could be acknowledged, and its whole file
    // be lost at a power loss.
    disk.rename(&tmp, &wal.join(name))?;
    disk.sync_dir(wal)?;
    Ok(file)
}

fn write_empty_segment(file: &dyn File, size: u64, head: &Head) -> io::Result<()> {
    write_zeros(file, 0, size)?;
    file.write_at(0, &head.encode())?;
    file.sync()
}

/// Overwrites `from..to` with zeros.
pub(super) fn write_zeros(file: &dyn File, from: u64, to: u64) -> io::Result<()> {
    const ZERO_STEP_BYTES: u64 = 1 << 18;
    let zeros = vec![0; ZERO_STEP_BYTES as usize];
    let mut at = from;
    while at < to {
        let len = ZERO_STEP_BYTES.min(to - at);
        file.write_at(at, &zeros[..len as usize])?;
        at += len;
    }
    Ok(())
}

impl Reserve {
    pub(super) fn new(file: Box<dyn File>, name: &'static str, salt: u64, size: u64) -> Self {
        Self {
            file,
            name,
            salt,
            size,
            marks_written: 0,
        }
    }

    /// Writes a durability mark into the reserve: evidence, outside the current segment, of how far
    /// everything is durable. Not synced.
    pub(super) fn write_mark(&mut self, seq: u64, epoch: u64, durable_to: u64) -> io::Result<()> {
        let mut bytes = Vec::new();
        let stamp = Stamp {
            salt: self.salt,
            seq,
            epoch,
            durable_to,
        };
        Record::DurabilityMark { closed: false }.encode(&stamp, &mut bytes);
        self.marks_written += 1;
        self.file
            .write_at(SECTOR_BYTES * (1 + self.marks_written % 2), &bytes)
    }

    /// Turns the reserve into the segment that `head` describes. Everything before `head.first_seq`
    /// must be synced.
    pub(super) fn promote(
        self,
        disk: &dyn Disk,
        wal: &Path,
        head: &Head,
    ) -> io::Result<Box<dyn File>> {
        let mut start = vec![0; RESERVE_HEAD_BYTES];
        start[..HEAD_LEN].copy_from_slice(&head.encode());
        self.file.write_at(0, &start)?;
        // Safety order: sync the head, then rename, then sync the folder, then write records, as in
        // `create`.
        self.file.sync()?;
        disk.rename(&wal.join(self.name), &wal.join(file_name(head.first_seq)))?;
        disk.sync_dir(wal)?;
        Ok(self.file)
    }
}
