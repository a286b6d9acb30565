//! Work that can wait, away from the writer: unlinking purged segments, and preparing the next
//! segment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::segment::{self, RESERVE, Reserve};
use crate::runtime::Disk;
use crate::wire::wal::Head;

/// A round of maintenance.
pub(super) struct Maintenance {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) wal: PathBuf,
    /// Segments that nothing needs any more, oldest first.
    pub(super) unneeded: Vec<PathBuf>,
    /// Head and size in bytes of the reserve to create, if there is none.
    pub(super) reserve: Option<(Head, u64)>,
}

/// Result of one round.
pub(super) struct MaintenanceResult {
    /// `None` if no reserve was requested, or if the disk is full. A full disk is no failure yet:
    /// the next round tries again.
    pub(super) reserve: io::Result<Option<Reserve>>,
    /// Free bytes on the disk.
    pub(super) available: io::Result<u64>,
}

impl Maintenance {
    pub(super) fn run(self) -> MaintenanceResult {
        let reserve = self.remove_unneeded().and_then(|()| self.create_reserve());
        MaintenanceResult {
            reserve,
            available: self.disk.available(&self.wal),
        }
    }

    /// Safety order: unlink the oldest segment first, and sync the folder after each. If a younger
    /// segment disappeared first, a power loss could leave a hole in the log, and the node would
    /// halt.
    fn remove_unneeded(&self) -> io::Result<()> {
        for path in &self.unneeded {
            self.disk.remove_file(path)?;
            self.disk.sync_dir(&self.wal)?;
        }
        Ok(())
    }

    fn create_reserve(&self) -> io::Result<Option<Reserve>> {
        let Some((head, size)) = &self.reserve else {
            return Ok(None);
        };
        match segment::create(&*self.disk, &self.wal, RESERVE, *size, head) {
            Ok(file) => Ok(Some(Reserve::new(file, head.salt, *size))),
            Err(error) if is_full(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
