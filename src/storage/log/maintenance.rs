//! What can wait, off the writer's path: unlinking what was purged, and preparing the next segment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::segment::{self, RESERVE, Reserve};
use crate::runtime::Disk;
use crate::wire::wal::Head;

/// One round of chores.
pub(super) struct Maintenance {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) wal: PathBuf,
    /// Segments that nothing needs any more, oldest first.
    pub(super) unneeded: Vec<PathBuf>,
    /// Head of the reserve to make, if there is none; and its size.
    pub(super) reserve: Option<(Head, u64)>,
}

/// How a round ended.
pub(super) struct MaintenanceResult {
    /// `None`: none was asked for, or the disk is full. That is no failure yet: it is tried again.
    pub(super) reserve: io::Result<Option<Reserve>>,
    /// Bytes that are free now.
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

    /// One by one, each durable before the next: a younger segment that goes first leaves a hole.
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
