//! Numbers of requests by route and status.

use std::sync::atomic::{AtomicU64, Ordering};

/// Statuses that this server answers with. Others are counted in the last column.
const STATUSES: [u16; 16] = [
    200, 204, 307, 400, 401, 403, 404, 405, 408, 409, 413, 500, 501, 502, 503, 0,
];

/// A table of counters: route × status. The set of routes is fixed, so no caller can make it grow.
pub struct Requests {
    routes: &'static [&'static str],
    counts: Vec<[AtomicU64; STATUSES.len()]>,
}

impl Requests {
    pub(super) fn new(routes: &'static [&'static str]) -> Self {
        let row = || std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            routes,
            counts: (0..=routes.len()).map(|_| row()).collect(),
        }
    }

    /// Counts one answer. `route` is the index in the list of routes; a greater index counts as
    /// `other`.
    pub fn count(&self, route: usize, status: u16) {
        let column = STATUSES
            .iter()
            .position(|s| *s == status)
            .unwrap_or(STATUSES.len() - 1);
        let row = route.min(self.routes.len());
        self.counts[row][column].fetch_add(1, Ordering::Relaxed);
    }

    /// Counters that are not zero: route, status (`None`: an unusual one), number.
    pub(super) fn seen(&self) -> impl Iterator<Item = (&'static str, Option<u16>, u64)> + '_ {
        self.counts.iter().enumerate().flat_map(|(row, counts)| {
            let route = self.routes.get(row).copied().unwrap_or("other");
            counts
                .iter()
                .zip(STATUSES)
                .filter_map(move |(count, status)| {
                    let count = count.load(Ordering::Relaxed);
                    (count > 0).then_some((route, (status != 0).then_some(status), count))
                })
        })
    }
}
