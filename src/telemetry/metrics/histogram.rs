//! A histogram of durations, counted by its owner.

use std::time::Duration;

/// A reading of a histogram. Its owner chooses the bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramCounts {
    /// Upper bounds, each with the number of values that are not greater: cumulative.
    pub buckets: Vec<(Duration, u64)>,
    pub count: u64,
    pub sum: Duration,
}
