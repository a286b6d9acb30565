//! The file of `-pidfile`.

use std::io;
use std::path::PathBuf;

/// The file with the process id. Dropping this removes it.
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// # Errors
    /// The file cannot be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "no part of the data: other programs read it"
    )]
    pub(super) fn write(path: PathBuf) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, std::process::id().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    #[expect(
        clippy::disallowed_methods,
        reason = "no part of the data: other programs read it"
    )]
    fn drop(&mut self) {
        // After dropping root this process may not own the folder any more; a stale file names a
        // dead process.
        let _ = std::fs::remove_file(&self.0);
    }
}
