//! Turns of work that costs so much memory that only one caller's may run at a time.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

use super::Error;

/// Gives turns to callers in the order in which they came.
#[derive(Default)]
pub(super) struct OneAtATime(Arc<Mutex<()>>);

/// The next caller's turn begins when it is dropped. Belongs into the closure that does the work:
/// a caller that resets its connection ends its request, and not the work on another thread.
pub(super) type Turn = OwnedMutexGuard<()>;

impl OneAtATime {
    /// # Errors
    /// `Busy`: the deadline passed during the turns of others.
    pub(super) async fn turn(&self, deadline: Instant) -> Result<Turn, Error> {
        let turn = timeout_at(deadline, self.0.clone().lock_owned()).await;
        turn.map_err(|_| Error::Busy)
    }
}
