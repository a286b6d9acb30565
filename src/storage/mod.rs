//! Durable bytes: the directory and its lock, atomic small files, the log, snapshot files.
//!
//! Owns: everything below `<dir>/influxd-meta/`. Never: Raft policy, or the meaning of a phase.

mod archive;
mod attempt_note;
mod copies;
mod dir;
mod log;
mod snapshot;

pub use attempt_note::{AttemptNote, Attempted, Noted};
pub use copies::Copy;
pub use dir::{DataDir, OpenDirError};
pub use log::{
    Bounds, Damage, DamageCause, Entry, EntryKind, FsyncHistogram, Hole, Log, LogConfig, LogError,
    LogOperation, Room, RoomPermit, RoomUse, StopReason, Vote, is_full, record_bytes,
};
pub use snapshot::{
    DeadlySnapshot, OpenSnapshotsError, SnapshotError, SnapshotErrorCause, SnapshotHeader,
    Snapshots,
};
