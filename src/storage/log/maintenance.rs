//! Work that can wait, away from the writer: unlinking purged segments, and preparing the next
//! segment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::room::is_full;
use super::segment::{self, Reserve};
use crate::runtime::Disk;
use crate::wire::wal::Head;

/// A round of maintenance.
pub(super) struct Maintenance {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) wal: PathBuf,
    /// Segments that nothing needs any more, oldest first.
    pub(super) unneeded: Vec<PathBuf>,
    /// The reserve to create, if one is wanted.
    pub(super) reserve: Option<NewReserve>,
}

/// Reserve that is to be created.
pub(super) struct NewReserve {
    pub(super) name: &'static str,
    pub(super) head: Head,
    /// Size in bytes.
    pub(super) size: u64,
}

/// Result of a round for the reserve that was asked for.
pub(super) enum ReserveResult {
    NotWanted,
    Created(Reserve),
    /// The disk is full. No failure yet: the next round tries again.
    NoRoom,
}

/// Result of one round.
pub(super) struct MaintenanceResult {
    pub(super) reserve: io::Result<ReserveResult>,
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

    fn create_reserve(&self) -> io::Result<ReserveResult> {
        let Some(NewReserve { name, head, size }) = &self.reserve else {
            return Ok(ReserveResult::NotWanted);
        };
        match segment::create(&*self.disk, &self.wal, name, *size, head) {
            Ok(file) => Ok(ReserveResult::Created(Reserve::new(
                file, name, head.salt, *size,
            ))),
            Err(error) if is_full(&error) => Ok(ReserveResult::NoRoom),
            Err(error) => Err(error),
        }
    }
}
