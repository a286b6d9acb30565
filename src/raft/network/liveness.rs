//! The member at the other end of a connection: `Admission` is told that it is alive, and asked
//! whether it may still speak.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::base::Incarnation;
use crate::raft::Admission;

/// Minimum interval between reports. Whether a member is gone is decided in seconds
/// (founding.md 7.1), and thousands of frames may come in each second.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Liveness of one connection. Needs no lock: between two reports it only compares instants.
pub(super) struct Liveness {
    admission: Arc<dyn Admission>,
    sender: Incarnation,
    /// Whether the handshake had a proof of the secret that was checked here.
    proven: bool,
    reported: Instant,
}

impl Liveness {
    /// Starts after a successful handshake, which is reported at once.
    pub(super) fn start(admission: &Arc<dyn Admission>, sender: Incarnation, proven: bool) -> Self {
        admission.heard(sender);
        Self {
            admission: admission.clone(),
            sender,
            proven,
            reported: Instant::now(),
        }
    }

    /// Whether frames of this connection are still read. A connection that began while proofs were
    /// not required ends with the first frame after they are.
    pub(super) fn may_speak(&self) -> bool {
        self.proven || !self.admission.policy().refuses_unproven()
    }

    /// Called for each complete frame.
    pub(super) fn on_frame(&mut self) {
        if self.reported.elapsed() >= REPORT_INTERVAL {
            self.reported = Instant::now();
            self.admission.heard(self.sender);
        }
    }
}
