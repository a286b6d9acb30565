//! Archives of logs: `old/<incarnation>/` keeps what an earlier life of this volume wrote, for
//! operators. This program never reads it again.

use std::io;
use std::path::Path;

use super::DataDir;
use crate::runtime::disk::Disk;

impl DataDir {
    /// Returns whether a log or a snapshot lies in the directory. Blocks.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn has_state(&self) -> io::Result<bool> {
        let disk = self.disk();
        Ok(!disk.list(&self.wal_dir())?.is_empty() || !disk.list(&self.snapshot_dir())?.is_empty())
    }

    /// Moves log and snapshots to `old/<life>/` (or `<life>-2`, …), durably. Blocks.
    ///
    /// The log must be closed, and the identity on disk must be one that does not open this log: a
    /// crash in between leaves a part of the log here, and the next call moves that part.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn archive_log(&self, life: &str) -> io::Result<()> {
        if !self.has_state()? {
            return Ok(());
        }
        let disk = self.disk();
        let old = self.path().join("old");
        let taken = disk.list(&old)?;
        let names = (2..).map(|n| format!("{life}-{n}"));
        let mut names = std::iter::once(life.to_owned()).chain(names);
        let name = names
            .find(|name| !taken.contains(name))
            .unwrap_or_else(|| life.to_owned());
        let archive = old.join(name);
        for (folder, part) in [(self.wal_dir(), "wal"), (self.snapshot_dir(), "snap")] {
            move_all(disk, &folder, &archive.join(part))?;
        }
        disk.sync_dir(&archive)?;
        disk.sync_dir(&old)?;
        disk.sync_dir(self.path())
    }
}

fn move_all(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    disk.create_dir_all(to)?;
    for name in disk.list(from)? {
        disk.rename(&from.join(&name), &to.join(&name))?;
    }
    // Safety order: sync the new folder (the new names), then the old one (the removal of the old
    // names). In the other order a power loss between the two could leave a file under neither
    // name, and it would be lost.
    disk.sync_dir(to)?;
    disk.sync_dir(from)
}
