//! Snapshot files: header, chunks with CRC, whole-file hash; tmp → fsync → rename → fsync of the folder.

use std::io;

use bytes::Bytes;

use super::DataDir;
use crate::base::LogId;
use crate::runtime::Env;

/// What a snapshot covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotHeader {
    pub last: Option<LogId>,
    /// The log id of the membership entry, and the membership, encoded by `wire`.
    pub membership_at: Option<LogId>,
    pub membership: Bytes,
}

/// The snapshots of a directory. Cheap to clone.
#[derive(Clone)]
pub struct Snapshots {}

impl Snapshots {
    /// Finds and verifies the newest valid snapshot. Blocks.
    pub fn open(_env: &Env, _dir: &DataDir) -> io::Result<(Self, Option<(SnapshotHeader, Bytes)>)> {
        todo!("the storage helper")
    }

    /// Stores durably, then removes older ones. Blocks.
    pub fn store(&self, _header: &SnapshotHeader, _payload: &Bytes) -> io::Result<()> {
        todo!("the storage helper")
    }

    /// Reads the newest again (for sending it to a follower). Blocks.
    pub fn latest(&self) -> io::Result<Option<(SnapshotHeader, Bytes)>> {
        todo!("the storage helper")
    }
}
