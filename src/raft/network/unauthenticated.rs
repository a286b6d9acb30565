//! Who may be connected without having proved who it is, and failures to accept anybody.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::runtime::lock;

/// Members need three each at a time.
const MAX_UNAUTHENTICATED: usize = 128;
/// Of one address: all members behind one, and what they tried before, with much to spare; and
/// three quarters are left for others whatever one stranger does.
const MAX_UNAUTHENTICATED_PER_ADDRESS: usize = 32;

/// Places for connections that have not passed the handshake. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct UnauthenticatedConnections(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

impl UnauthenticatedConnections {
    /// A place until the handshake is over; `None` when there is none.
    pub(super) fn acquire(&self, from: IpAddr) -> Option<ConnectionPermit> {
        // The same host by either family, where one socket listens for both.
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

    /// Held for a few instructions, never across an await.
    fn counts(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        lock(&self.0)
    }
}

/// One place, given back when dropped.
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

/// Whether an accept failed by what happened to one connection, which is gone: the next one may be
/// accepted at once.
pub(super) fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted,
        NetworkDown, NetworkUnreachable, TimedOut,
    };
    // Linux tells pending errors of the network by accept, too.
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

/// The log is told of the first failure, and then that often, with how many there were.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Failures to accept that the log was not told of.
#[derive(Default)]
pub(super) struct AcceptFailures {
    unreported: u64,
    reported: Option<Instant>,
}

impl AcceptFailures {
    /// One more. If it is time to tell: how many there were since the last time.
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
