//! That the member at the other end of a connection lives: told to `Admission`, now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::Incarnation;
use crate::raft::Admission;

/// Whether a member is gone is judged in seconds (founding.md 7, Replace); frames come by the
/// thousand in each.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Belongs to one connection and needs no lock: between two tellings it compares instants, no more.
pub(super) struct Liveness {
    admission: Arc<dyn Admission>,
    sender: Incarnation,
    reported: Instant,
}

impl Liveness {
    /// A handshake succeeded: the first that was heard.
    pub(super) fn start(admission: &Arc<dyn Admission>, sender: Incarnation) -> Self {
        admission.heard(sender);
        Self {
            admission: admission.clone(),
            sender,
            reported: Instant::now(),
        }
    }

    /// A whole frame has come.
    pub(super) fn on_frame(&mut self) {
        if self.reported.elapsed() >= REPORT_INTERVAL {
            self.reported = Instant::now();
            self.admission.heard(self.sender);
        }
    }
}
