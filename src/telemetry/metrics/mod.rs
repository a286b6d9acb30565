//! Counters and histograms, and the text of `/metrics`.
//!
//! Owns: numbers that grow ([`Metrics`]) and their exposition ([`render`]). Never: asking other
//! modules for a number; the caller passes all other values in [`Gauges`]. Invariant: counting
//! takes a few atomic additions, without a lock and without an allocation.

mod exposition;
mod histogram;
mod requests;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub use exposition::{Gauges, RaftGauges, render};
pub use histogram::HistogramCounts;
pub use requests::Requests;

use crate::base::UnixNanos;

/// Counters of one process, shared by everything that counts.
pub struct Metrics {
    /// Version that `/metrics` has in `build_info`.
    pub version: String,
    pub started: UnixNanos,
    pub requests: Requests,
    /// Requests that are being answered now, long polls included.
    pub requests_under_way: Level,
    pub panics: Counter,
    pub connections: Level,
    /// Connections refused because there were too many.
    pub connections_refused: Counter,
    /// Long polls that wait for a newer catalog.
    pub parked: Level,
    /// Bodies of `GET /?index=N` that were encoded: far fewer than were sent.
    pub snapshots_encoded: Counter,
    /// Requests forwarded to the leader on behalf of a caller.
    pub forwarded: Counter,
}

impl Metrics {
    /// Counters at zero. `routes` are the labels of counted requests; any other route counts as
    /// `other`.
    pub fn new(version: String, started: UnixNanos, routes: &'static [&'static str]) -> Self {
        Self {
            version,
            started,
            requests: Requests::new(routes),
            requests_under_way: Level::default(),
            panics: Counter::default(),
            connections: Level::default(),
            connections_refused: Counter::default(),
            parked: Level::default(),
            snapshots_encoded: Counter::default(),
            forwarded: Counter::default(),
        }
    }
}

/// A number that only grows.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number of things that exist now.
#[derive(Default)]
pub struct Level(AtomicI64);

impl Level {
    /// Adds one until the guard is dropped.
    pub fn enter(&self) -> Inside<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inside(self)
    }

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Guard of one thing that is counted in a [`Level`].
pub struct Inside<'a>(&'a Level);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
