//! The last segment. What is not known to be on the disk is written again.

use std::io;
use std::path::{Path, PathBuf};

use super::evidence::len_without_zeros;

use crate::runtime::Disk;
use crate::runtime::disk::File;
use crate::storage::log::error::{LogError, StopReason};
use crate::storage::log::segment::{self, Segment};

/// The last segment, and the offset where its good records end.
pub(super) struct Tail {
    pub(super) path: PathBuf,
    pub(super) file: Box<dyn File>,
    pub(super) bytes: Vec<u8>,
    pub(super) salt: u64,
    pub(super) offset: usize,
    /// Sequence number and offset of each of its records.
    pub(super) records: Vec<(u64, usize)>,
    /// Set if the last record is a closing mark: what follows it is zero on the disk too.
    pub(super) closed: bool,
    /// Reason why reading stopped.
    pub(super) stop: StopReason,
    /// Highest sequence number up to which everything was synced before this recovery.
    pub(super) durable_to: u64,
}

impl Tail {
    /// Writes and syncs what may not be durable. Only the last segment can hold such records: a
    /// later head proves that the segments before it were synced.
    pub(super) fn make_durable(
        &self,
        disk: &dyn Disk,
        wal: &Path,
        segments: &[Segment],
    ) -> Result<(), LogError> {
        let cut = len_without_zeros(&self.bytes[self.offset..]);
        if cut > 0 {
            tracing::warn!(
                path = %self.path.display(), offset = self.offset, bytes = cut, why = %self.stop,
                "cut the end of the log: a write that was never acknowledged"
            );
        }
        self.rewrite(cut > 0)
            .map_err(LogError::io("rewrite the end of", &self.path))?;
        for segment in &segments[..segments.len() - 1] {
            let file = disk
                .open(&segment.path, false)
                .map_err(LogError::io("open", &segment.path))?;
            file.sync().map_err(LogError::io("sync", &segment.path))?;
        }
        self.file.sync().map_err(LogError::io("sync", &self.path))?;
        disk.sync_dir(wal).map_err(LogError::io("sync", wal))
    }

    /// Writes again every record above the evidence, and zeros from the end of the log to the end
    /// of the segment.
    ///
    /// Safety order: this comes before any caller learns what the log holds. A process that was
    /// killed leaves records in the page cache only, and after a failed fsync the kernel takes lost
    /// pages for clean, so that an fsync alone would not write them. Raft would report such a
    /// record to a leader as durable, and a power loss would then take an acknowledged entry.
    ///
    /// The zeros are needed because the bytes that are cut may be on the disk while the cache shows
    /// others: after the next power loss they could reappear behind new records.
    fn rewrite(&self, cut: bool) -> io::Result<()> {
        let unsure = self.records.iter().find(|(seq, _)| *seq > self.durable_to);
        let from = unsure.map_or(self.offset, |(_, offset)| *offset);
        if cut || !self.closed {
            segment::write_zeros(&*self.file, self.offset as u64, self.bytes.len() as u64)?;
        }
        if from < self.offset {
            self.file
                .write_at(from as u64, &self.bytes[from..self.offset])
        } else {
            Ok(())
        }
    }
}
