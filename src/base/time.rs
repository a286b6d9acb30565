//! Instants and durations in nanoseconds, as the wire has them: signed 64-bit.

use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch. 0 on the wire often means "unset" (wire.md 2.5).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// One nanosecond later; the last instant stays.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A signed span in nanoseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DurationNanos(pub i64);

impl DurationNanos {
    pub const HOUR: Self = Self(3_600_000_000_000);
    pub const DAY: Self = Self(24 * Self::HOUR.0);
}
