//! Limits that both sides of a connection share.

use std::time::Duration;

/// Maximum number of payload bytes in a snapshot chunk.
pub(super) const CHUNK_BYTES: usize = 1024 * 1024;
/// Maximum number of append requests in flight: one is synced while the next is being sent. More
/// would only split a burst into smaller requests, each with its own wake-ups and its own fsync.
pub(super) const MAX_IN_FLIGHT: usize = 2;
/// Interval at which the sender of an append stream sends a frame if it has nothing else to send.
pub(super) const IDLE_INTERVAL: Duration = Duration::from_secs(15);
/// Timeout for the next frame. After four idle intervals without one the sender is taken for gone.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Timeout for writing a frame. Only a receiver that does not read makes a write this slow.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
