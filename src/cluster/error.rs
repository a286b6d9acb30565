//! Errors that stop the start, or end the process.

use std::time::Duration;

use crate::cluster::identity::record::IdentityFileError;
use crate::storage::{LogError, SnapshotError};

/// Errors that stop the start or end the process. `app` maps each to an exit code.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The file `identity` is damaged or of a newer version. Exit code 65.
    #[error("{0}")]
    BadIdentity(IdentityFileError),
    /// The log is of a newer version. Exit code 65.
    #[error("{0}")]
    NewerLog(LogError),
    /// A snapshot is of a newer version. Exit code 65.
    #[error("{0}")]
    NewerSnapshot(SnapshotError),
    /// A file or a socket could not be used. The exit code follows from the IO error.
    #[error("{operation}: {source}")]
    Io {
        operation: &'static str,
        source: std::io::Error,
    },
    /// `join-timeout` passed. Exit code 75.
    #[error("no cluster after {after:?} (join-timeout): {reason}")]
    JoinTimeout {
        after: Duration,
        /// [`View::reason`](super::View::reason) at that time.
        reason: String,
    },
}
