//! Snapshots and purges by bytes. openraft counts entries only, and their sizes differ by a factor
//! of 1,000.

use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;

use super::state_machine::OpenRaft;
use crate::storage::Log;

/// Interval of the checks. Between two of them the log can grow by one second's writes.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Runs as long as the node.
pub(super) async fn run(raft: OpenRaft, log: Log, every_bytes: u64) {
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        if log.bytes_held() < every_bytes.max(1) {
            continue;
        }
        let (snapshot, applied, purged) = {
            let metrics = raft.metrics();
            let metrics = metrics.borrow_watched();
            (metrics.snapshot, metrics.last_applied, metrics.purged)
        };
        // First purge what a snapshot covers. Take a new snapshot only if the log is still too
        // large.
        let triggered = match snapshot {
            Some(snapshot) if purged < Some(snapshot) => {
                raft.trigger().purge_log(snapshot.index).await
            }
            snapshot if snapshot < applied => raft.trigger().snapshot().await,
            _ => Ok(()),
        };
        if triggered.is_err() {
            return;
        }
    }
}
