//! The long poll: `GET /?index=N` waits until `Data.Index` > N and returns the whole catalog.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::poll_body::PollBody;
use super::{Error, Service};
use crate::cluster::NotMember;
use crate::raft::Raft;

/// Delay after which a node that is behind a client's index asks the leader. Catching up takes
/// milliseconds: after this delay it is a client of an earlier cluster, or a node that is cut off.
const ASK_LEADER_DELAY: Duration = Duration::from_secs(5);

/// Timeout for the confirmation by a majority, which takes milliseconds. Without a majority the
/// poll waits on.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(1);

/// Result of a poll.
pub enum Polled {
    Body(Arc<PollBody>),
    /// The client knows a higher index than this node, and only the leader can say whether its
    /// cluster ever produced that index. The caller asks there, or polls again here.
    AskLeader,
}

impl Service {
    /// Waits until the catalog is newer than `n`, without a timeout.
    ///
    /// # Errors
    /// This node is no member, has halted, or stops: the client goes on to the next server.
    pub async fn poll(&self, n: u64) -> Result<Polled, Error> {
        let mut wake = self.watcher.subscribe();
        let _parked = self.metrics.parked.enter();
        loop {
            wake.borrow_and_update();
            let raft = self.raft()?;
            if self.watcher.is_halted() {
                let reason = raft.status().halted.unwrap_or_default();
                return Err(Error::PollHalted { reason });
            }
            let applied = raft.applied().borrow().clone();
            // Before `Found` the list of meta nodes is empty, and a data node that receives it
            // forgets all meta nodes.
            if applied.catalog.cluster.is_none() {
                return Err(being_founded(self).into());
            }
            let index = applied.catalog.index;
            if index > n || (n > index && was_never_produced(&raft, n).await) {
                return Ok(Polled::Body(
                    self.bodies.at_least(&raft, &applied, &self.metrics).await,
                ));
            }
            // The sender is part of `self`: this waits for a change, and never fails.
            let changed = async { wake.changed().await.is_ok() };
            if n == index {
                changed.await;
            } else if timeout(ASK_LEADER_DELAY, changed).await.is_err()
                && self.leader_elsewhere(&raft).is_some()
            {
                return Ok(Polled::AskLeader);
            }
        }
    }
}

/// Returns whether N is higher than any index that this cluster can have produced. Its client then
/// comes from an earlier cluster at these addresses, and would wait for ever (wire.md Q11). Only a
/// leader that a majority confirms now knows that: its log is then the longest there is.
async fn was_never_produced(raft: &Raft, n: u64) -> bool {
    raft.barrier(Instant::now() + BARRIER_TIMEOUT).await.is_ok()
        && n > raft.status().last_log.map_or(0, |log_id| log_id.index)
}

fn being_founded(service: &Service) -> NotMember {
    let view = service.cluster().view();
    NotMember {
        phase: view.phase,
        reason: "the cluster is being founded".to_owned(),
    }
}
