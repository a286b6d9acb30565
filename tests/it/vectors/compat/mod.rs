//! Frozen bytes of each format: written once, never edited, always readable.
//!
//! Each test reads the bytes of format 1 and, as long as that is the format written, writes them
//! again. When a newer format is written, its bytes get a folder of their own, and the writing half
//! of the old test is removed. Log entries and catalogs are written in the lowest format that holds
//! them, so all their formats are still written. `storage::frozen` opens the volume of these bytes;
//! `raft::frozen` has the frozen handshake.

mod entries;
mod exchange;
mod format_2;
mod format_3;
mod format_4;
mod format_5;
mod format_6;
mod frames;
mod identity;
mod snapshot;
mod wal;

use influxdb_meta::base::{Address, Incarnation};
use influxdb_meta::wire::identity::VectorEntry;

fn frozen(file: &str) -> Vec<u8> {
    super::read(&format!("compat/v1/{file}"))
}

/// Checks that a frozen file is what is written today, byte by byte.
fn assert_written(file: &str, written: &[u8]) {
    assert_eq!(
        written.escape_ascii().to_string(),
        frozen(file).escape_ascii().to_string(),
        "{file}"
    );
}

/// Founder number k of three.
fn founder(k: u8) -> VectorEntry {
    VectorEntry {
        incarnation: Incarnation([k; 16]),
        http: Address::new(&format!("meta-{k}"), 8091),
        raft: Address::new(&format!("meta-{k}"), 8089),
    }
}

fn founders() -> Vec<VectorEntry> {
    (1..=3).map(founder).collect()
}
