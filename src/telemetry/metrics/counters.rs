//! Counters of one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::requests::Requests;
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
    /// Log lines that were not written. The log shares this counter.
    pub log_lines_dropped: Arc<Counter>,
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
            log_lines_dropped: Arc::default(),
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
