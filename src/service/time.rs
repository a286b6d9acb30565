//! `POST /repair-time`: an operator sets the catalog's time right.

use tokio::time::Instant;

use super::error::Conflict;
use super::leader::not_leader;
use super::{Error, Service};
use crate::cluster::{NotYet, Refusal};
use crate::machine::{InternalCommand, Outcome};
use crate::raft::{Role, TimeRepairRefused};
use crate::wire::envelope::Body;
use crate::wire::version::BUDGET_LEVEL;

impl Service {
    /// Sets the catalog's time back to this node's clock, if this node leads and most clocks are
    /// behind the catalog. A leader whose clock is ahead of the others' refuses it, like every
    /// command; one whose clock is behind them refuses this one.
    ///
    /// # Errors
    /// The catalog's time is right, or the reason why nothing can be proposed. All but `Unknown`
    /// mean that nothing was changed.
    pub async fn repair_time(&self, deadline: Instant) -> Result<(), Error> {
        let raft = self.raft()?;
        if raft.applied().borrow().catalog.feature_level() < BUDGET_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("repair-time")).into());
        }
        if raft.status().role != Role::Leader {
            return Err(not_leader(&raft));
        }
        raft.check_time_repair().map_err(Conflict::TimeRepair)?;
        let command = Body::Internal(InternalCommand::RepairTime);
        match raft.propose(command, deadline).await? {
            Outcome::Applied { .. } => Ok(()),
            Outcome::Refused(_) => {
                Err(Conflict::TimeRepair(TimeRepairRefused::NothingToRepair).into())
            }
        }
    }
}
