//! Durable bytes: the directory and its lock, atomic small files, the log, snapshot files.
//!
//! Owns: everything below `<dir>/influxd-meta/`. Never: Raft policy, or what a phase means.

mod archive;
mod dir;
mod log;
mod snapshot;

pub use dir::{DataDir, OpenDirError};
pub use log::{Bounds, Entry, EntryKind, FsyncHistogram, Log, LogConfig, LogError, Vote};
pub use snapshot::{SnapshotHeader, Snapshots};
