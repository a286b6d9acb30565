//! `POST /repair-time`: an operator sets the catalog's time right.

use tokio::time::Instant;

use super::error::Conflict;
use super::{Error, Service};
use crate::cluster::{NotYet, Refusal};
use crate::machine::{InternalCommand, Outcome};
use crate::wire::envelope::Body;
use crate::wire::version::BUDGET_LEVEL;

impl Service {
    /// Sets the catalog's time back to this node's clock, if this node leads. A leader whose clock
    /// is ahead of the others' refuses it, like every command.
    ///
    /// # Errors
    /// The catalog's time is right, or the reason why nothing can be proposed. All but `Unknown`
    /// mean that nothing was changed.
    pub async fn repair_time(&self, deadline: Instant) -> Result<(), Error> {
        let raft = self.raft()?;
        if raft.applied().borrow().catalog.feature_level() < BUDGET_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("repair-time")).into());
        }
        let command = Body::Internal(InternalCommand::RepairTime);
        match raft.propose(command, deadline).await? {
            Outcome::Applied { .. } => Ok(()),
            Outcome::Refused(refused) => Err(Conflict::TimeIsRight(refused).into()),
        }
    }
}
