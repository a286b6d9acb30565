//! Failures to accept connections: which concern one connection only, and a filter for the log.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

/// Returns whether an accept failed only because of one connection, which is gone. The next accept
/// can follow at once.
pub fn concerns_one_connection(error: &io::Error) -> bool {
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

/// Returns whether the process, or the machine, has no more file descriptors.
pub fn is_out_of_files(error: &io::Error) -> bool {
    let errno = error.raw_os_error();
    [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE]
        .into_iter()
        .any(|one| errno == Some(one.raw_os_error()))
}

/// Interval between reports. The first failure is logged at once, then their number once per
/// interval.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Failures to accept that are not logged yet.
#[derive(Default)]
pub struct AcceptFailures {
    unreported: u64,
    reported: Option<Instant>,
}

impl AcceptFailures {
    /// Counts a failure. Returns the number of failures since the last report, if a report is due.
    pub fn record(&mut self) -> Option<u64> {
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
