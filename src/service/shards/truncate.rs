//! `POST /truncate-shards`.

use tokio::time::Instant;

use super::{Error, Service};
use crate::base::{DurationNanos, UnixNanos};
use crate::machine::WireCommand;

impl Service {
    /// Truncates shard groups: points later than `delay` from now go into new groups.
    ///
    /// # Errors
    /// Nothing was truncated, or the outcome is unknown.
    pub async fn truncate_shards(
        &self,
        delay: DurationNanos,
        deadline: Instant,
    ) -> Result<(), Error> {
        let raft = self.confirmed_raft(deadline).await?;
        let at = UnixNanos(self.env.clock.now().0.saturating_add(delay.0));
        self.change(&raft, WireCommand::TruncateShardGroups { at }, deadline)
            .await
    }
}
