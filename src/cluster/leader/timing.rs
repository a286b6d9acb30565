//! Timeouts of the leader's task.

use std::time::Duration;

/// Timeout for one step. Far longer than a commit takes, and short enough to notice soon that
/// another node leads.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// Delay after a failed attempt.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(100);
