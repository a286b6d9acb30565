//! `POST /truncate-shards`.

use tokio::time::Instant;

use super::{Error, Service};
use crate::base::{DurationNanos, UnixNanos};
use crate::machine::Command;

impl Service {
    /// From `delay` after now on, points go into new shard groups. `None`: ask the leader.
    ///
    /// # Errors
    /// Nothing was truncated, or nobody knows.
    pub async fn truncate_shards(
        &self,
        delay: DurationNanos,
        deadline: Instant,
    ) -> Result<Option<()>, Error> {
        let Some(raft) = self.leading()? else { return Ok(None) };
        let at = UnixNanos(self.env.clock.now().0.saturating_add(delay.0));
        self.change(&raft, Command::TruncateShardGroups { at }, deadline).await
    }
}
