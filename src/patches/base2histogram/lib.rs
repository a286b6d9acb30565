//! Stands in for the crate `base2histogram`, with which openraft keeps statistics about itself.
//!
//! Why: at the first histogram the real one builds tables for 16 precisions, 26.7 MB, of which
//! openraft uses a single one: four fifths of what an idle meta node held in memory. And openraft
//! gives the figures out only with its feature `runtime-stats`, which this program does not enable,
//! so they could not be read.
//!
//! So nothing is counted here: every histogram says that it has no samples. There is only what
//! openraft needs to compile.
//!
//! It can be deleted when openraft makes the histograms a part of that feature, or when
//! `base2histogram` builds only the table that is asked for: delete this folder, and
//! `[patch.crates-io]` in Cargo.toml. It must be deleted when those statistics are needed.

use std::fmt;
use std::marker::PhantomData;

/// Ignores the values that openraft records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram<T = ()>(PhantomData<T>);

impl<T> Histogram<T> {
    pub fn new() -> Self {
        Self(PhantomData)
    }

    pub fn record(&mut self, _value: u64) {}

    pub fn record_n(&mut self, _value: u64, _count: u64) {}

    pub fn percentile_stats(&self) -> PercentileStats {
        PercentileStats::default()
    }
}

/// Percentiles of an empty set of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PercentileStats {
    pub samples: u64,
    pub p0_1: u64,
    pub p1: u64,
    pub p5: u64,
    pub p10: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p99_9: u64,
}

impl fmt::Display for PercentileStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not counted")
    }
}

/// Shows nothing.
#[derive(Clone, Debug, Default)]
pub struct AsciiChart;

impl AsciiChart {
    pub fn new() -> Self {
        Self
    }

    #[must_use]
    pub fn add(self, _name: &str, _histogram: Histogram) -> Self {
        self
    }
}
