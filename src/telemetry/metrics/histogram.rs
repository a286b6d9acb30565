//! A histogram of durations, as its owner counted it.

use std::time::Duration;

/// A reading: the bounds are the owner's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramCounts {
    /// Upper bound, and how many were at most that long: cumulative.
    pub buckets: Vec<(Duration, u64)>,
    pub count: u64,
    pub sum: Duration,
}
