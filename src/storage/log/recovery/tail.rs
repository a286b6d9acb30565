//! The last segment: what in it is not known to be on the disk is written again.

use std::io;
use std::path::{Path, PathBuf};

use super::evidence::len_without_zeros;

use crate::runtime::Disk;
use crate::runtime::disk::File;
use crate::storage::log::error::{LogError, StopReason};
use crate::storage::log::segment::{self, Segment};

/// The last segment, and where its good records end.
pub(super) struct Tail {
    pub(super) path: PathBuf,
    pub(super) file: Box<dyn File>,
    pub(super) bytes: Vec<u8>,
    pub(super) salt: u64,
    pub(super) offset: usize,
    /// Seq and place of each of its records.
    pub(super) records: Vec<(u64, usize)>,
    /// The last record closed the log in order: what follows it is zero on the disk too.
    pub(super) closed: bool,
    /// Why reading stopped.
    pub(super) stop: StopReason,
    /// The highest seq up to which everything was synced before this recovery.
    pub(super) durable_to: u64,
}

impl Tail {
    /// Only the last segment can hold what is not yet durable: a later head proves the ones before.
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

    /// Safety order: before anybody is told what the log holds, it is written again. A killed
    /// process leaves records in the page cache only, and after a failed fsync the kernel takes
    /// lost pages for clean: an fsync alone would not write them. Zeros behind the end, else a cut
    /// that was read from the cache comes back at the next power loss, behind new records.
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
