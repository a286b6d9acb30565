//! Snapshots and purges by bytes. openraft counts entries only, and entries differ a thousandfold.

use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver;

use super::state_machine::OpenRaft;
use crate::storage::Log;

/// The log can grow by what one second's writes bring before it is looked at again.
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
        // First what a snapshot already covers; a new snapshot only when that leaves too much.
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
