//! Limits on unauthenticated connections, and a log filter for failures to accept connections.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::runtime::lock;

/// Maximum number of unauthenticated connections. A member needs three at a time.
const MAX_UNAUTHENTICATED: usize = 128;
/// Maximum number from one address. Enough for all members behind one address and their earlier
/// attempts; and one address cannot take more than a quarter of all.
const MAX_UNAUTHENTICATED_PER_ADDRESS: usize = 32;

/// Unauthenticated connections, counted by address. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct UnauthenticatedConnections(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

impl UnauthenticatedConnections {
    /// Returns a permit for the time of the handshake, or `None` if there are too many connections.
    pub(super) fn acquire(&self, from: IpAddr) -> Option<ConnectionPermit> {
        // One host has two forms of its address where one socket listens for IPv4 and IPv6.
        let from = from.to_canonical();
        let mut counts = self.counts();
        let from_here = counts.get(&from).copied().unwrap_or_default();
        if from_here >= MAX_UNAUTHENTICATED_PER_ADDRESS
            || counts.values().sum::<usize>() >= MAX_UNAUTHENTICATED
        {
            return None;
        }
        counts.insert(from, from_here + 1);
        Some(ConnectionPermit {
            unauthenticated: self.clone(),
            from,
        })
    }

    /// Locks the counts. Held for a few instructions, never across an await.
    fn counts(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        lock(&self.0)
    }
}

/// Permit of one connection. Dropping it frees the place.
pub(super) struct ConnectionPermit {
    unauthenticated: UnauthenticatedConnections,
    from: IpAddr,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.unauthenticated.counts();
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

/// Returns whether an accept failed only because of one connection, which is gone. The next accept
/// can follow at once.
pub(super) fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted,
        NetworkDown, NetworkUnreachable, TimedOut,
    };
    // Linux also reports pending network errors through accept.
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

/// Interval between reports. The first failure is logged at once, then their number once per
/// interval.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Failures to accept that are not logged yet.
#[derive(Default)]
pub(super) struct AcceptFailures {
    unreported: u64,
    reported: Option<Instant>,
}

impl AcceptFailures {
    /// Counts a failure. Returns the number of failures since the last report, if a report is due.
    pub(super) fn record(&mut self) -> Option<u64> {
        self.unreported += 1;
        if self
            .reported
            .is_some_and(|reported| reported.elapsed() < REPORT_INTERVAL)
        {
            return None;
        }
        self.reported = Some(Instant::now());
        Some(std::mem::take(&mut self.unreported))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_are_told_once_and_then_by_their_number() {
        let mut failures = AcceptFailures::default();
        let mut reported = Vec::new();
        for tick in 0..250 {
            reported.extend(failures.record().map(|count| (tick, count)));
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(reported, [(0, 1), (100, 100), (200, 100)]);
    }
}
