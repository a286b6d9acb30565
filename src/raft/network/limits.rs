//! Limits that both sides of a connection share.

use std::time::Duration;

/// Payload bytes of a snapshot chunk.
pub(super) const CHUNK_BYTES: usize = 1024 * 1024;
/// Maximum number of append requests in flight: one is synced while the next is on its way. More
/// would only cut a burst into smaller requests, each with its own wake-ups and its own fsync.
pub(super) const MAX_IN_FLIGHT: usize = 2;
/// Interval at which the sender of an otherwise silent append stream sends a frame.
pub(super) const IDLE_INTERVAL: Duration = Duration::from_secs(15);
/// Time without a byte after which a receiver takes its sender for gone: four idle intervals.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Timeout for writing a frame. Only a receiver that does not read makes a write this slow.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
