//! Histogram of fsync durations with fixed buckets, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in microseconds: from a fast NVMe disk to a disk so slow that elections start.
const BOUNDS_US: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000,
];

/// Counts since the log was opened.
#[derive(Default)]
pub(super) struct FsyncDurations {
    /// Counters: one for each bound, and one for slower fsyncs.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    total_us: AtomicU64,
}

/// A copy of the histogram at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsyncHistogram {
    /// Upper bound, and number of fsyncs that took at most that long (cumulative, as Prometheus
    /// expects).
    pub buckets: Vec<(Duration, u64)>,
    pub count: u64,
    pub total: Duration,
}

impl FsyncDurations {
    pub(super) fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.total_us.fetch_add(us, Ordering::Relaxed);
    }

    pub(super) fn histogram(&self) -> FsyncHistogram {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BOUNDS_US.len());
        for (bound, counted) in BOUNDS_US.iter().zip(&self.buckets) {
            count += counted.load(Ordering::Relaxed);
            buckets.push((Duration::from_micros(*bound), count));
        }
        count += self.buckets[BOUNDS_US.len()].load(Ordering::Relaxed);
        let total = Duration::from_micros(self.total_us.load(Ordering::Relaxed));
        FsyncHistogram {
            buckets,
            count,
            total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_fsync_once_and_in_its_bucket() {
        let fsyncs = FsyncDurations::default();
        for us in [50, 51, 700, 3_000_000] {
            fsyncs.observe(Duration::from_micros(us));
        }
        let histogram = fsyncs.histogram();
        assert_eq!(histogram.count, 4);
        assert_eq!(histogram.total, Duration::from_micros(3_000_801));
        let at = |us| {
            histogram
                .buckets
                .iter()
                .find(|b| b.0 == Duration::from_micros(us))
                .map(|b| b.1)
        };
        assert_eq!(
            (at(50), at(100), at(1_000), at(1_000_000)),
            (Some(1), Some(2), Some(3), Some(3))
        );
    }
}
