//! Counters of one process.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::requests::Requests;
use crate::base::UnixNanos;

/// The numbers of one process. Shared by whoever counts.
pub struct Metrics {
    /// What `/metrics` says in `build_info`.
    pub version: String,
    pub started: UnixNanos,
    pub requests: Requests,
    /// Being answered now, long polls included.
    pub requests_under_way: Level,
    pub panics: Counter,
    pub connections: Level,
    /// Connections turned away because there were too many.
    pub connections_refused: Counter,
    /// Long polls that wait for a newer catalog.
    pub parked: Level,
    /// Bodies of `GET /?index=N` that were encoded: far fewer than were sent.
    pub snapshots_encoded: Counter,
    /// Requests carried to the leader on behalf of a caller.
    pub carried: Counter,
}

impl Metrics {
    /// `routes` are the labels that requests are counted under; anything else counts as `other`.
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
            carried: Counter::default(),
        }
    }
}

/// Only grows.
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

/// How many there are now.
#[derive(Default)]
pub struct Level(AtomicI64);

impl Level {
    /// One more until the guard is dropped.
    pub fn enter(&self) -> Inside<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inside(self)
    }

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counted in a [`Level`] while it lives.
pub struct Inside<'a>(&'a Level);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
