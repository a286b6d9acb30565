//! `POST /truncate-shards`.

use super::{Error, Service};
use crate::base::{DurationNanos, UnixNanos};
use crate::machine::WireCommand;

impl Service {
    /// From `delay` after now on, points go into new shard groups. `None`: ask the leader.
    ///
    /// # Errors
    /// Nothing was truncated, or nobody knows.
    pub async fn truncate_shards(&self, delay: DurationNanos) -> Result<Option<()>, Error> {
        let Some(raft) = self.leading().await? else {
            return Ok(None);
        };
        let at = UnixNanos(self.env.clock.now().0.saturating_add(delay.0));
        self.change(
            &raft,
            WireCommand::TruncateShardGroups { at },
            self.deadline(),
        )
        .await
    }
}
