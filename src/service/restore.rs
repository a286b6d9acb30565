//! A restore that costs more than one command may: proposed in parts (commands.md, "Restores").
//!
//! Nothing of it is seen before its last command. If this leader gives up or dies before, the parts
//! are dropped by the machine, and the data node starts the restore again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::leader::not_leader;
use super::one_at_a_time::Turn;
use super::{Error, Refusal, Service};
use crate::cluster::NotYet;
use crate::machine::{InternalCommand, Outcome};
use crate::raft::{Raft, Role};
use crate::runtime::memory;
use crate::wire::envelope::Body;
use crate::wire::execute::encode_response;
use crate::wire::restore_parts::{SplitError, SplitRestore};
use crate::wire::version::BUDGET_LEVEL;

/// Timeout for dropping the parts of a restore that failed: its caller waits for its answer.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(1);

/// Outcome of a proposal that ends the restore before its last part.
type Ended<T> = Result<T, Result<Bytes, Error>>;

/// A restore that is being proposed, and the right to propose it. Owned by the work on other
/// threads too.
struct RestoreTurn {
    split: SplitRestore,
    _turn: Turn,
}

impl Service {
    /// Executes a restore that is too large for one command, if this node leads. `cost` is the
    /// upper bound of the memory that it needs on each node. Each part has the whole
    /// `consensus-timeout`, so a large restore may take longer than that.
    ///
    /// # Errors
    /// All but `Unknown` mean that nothing was executed.
    pub(super) async fn restore(
        &self,
        raft: &Raft,
        command: Bytes,
        cost: u64,
        deadline: Instant,
    ) -> Result<Bytes, Error> {
        if raft.status().role != Role::Leader {
            return Err(not_leader(raft));
        }
        if raft.applied().borrow().catalog.feature_level() < BUDGET_LEVEL {
            return Err(Refusal::NotYet(NotYet::OldMembers("restores of this size")).into());
        }
        let turn = self.restores.turn(deadline).await?;
        // Comes before the first part is logged: each node would have to apply it, and again at
        // each start. A node that has less memory than this one is not protected.
        if let Some(left) = memory::available().filter(|left| *left < cost) {
            return Err(Error::NoMemory { needs: cost, left });
        }
        let id = self.env.rng.u64();
        let split = move || {
            let split = SplitRestore::of(id, &command)?;
            Ok(Arc::new(RestoreTurn { split, _turn: turn }))
        };
        let turn = match self.env.tasks.blocking(split).await {
            Ok(turn) => turn,
            Err(SplitError::Malformed(error)) => {
                return Ok(encode_response(Err(&error.to_string())));
            }
            Err(SplitError::OverBudget(over)) => return Err(over.into()),
        };
        if let Err(over) = raft.check_restore_fits(turn.split.size()) {
            return Ok(encode_response(Err(&over.to_string())));
        }
        match self.propose_parts(raft, &turn).await {
            Ok(index) => Ok(encode_response(Ok(index))),
            Err(ended) => {
                // Frees the memory of the parts now. If it fails, the machine drops them later.
                let abandon = InternalCommand::AbandonRestore { id };
                let soon = Instant::now() + ABANDON_TIMEOUT;
                let _ = raft.propose(abandon.into(), soon).await;
                ended
            }
        }
    }

    async fn propose_parts(&self, raft: &Raft, turn: &Arc<RestoreTurn>) -> Ended<u64> {
        let split = &turn.split;
        let parts = split.len();
        let begin = split.begin().map_err(|error| Ok(refused(&error)))?;
        self.propose_part(raft, InternalCommand::BeginRestore(begin))
            .await?;
        tracing::info!(event = "restore.begin", parts, index = begin.index);
        for number in 0..parts {
            let turn = turn.clone();
            let decoded = move || turn.split.part(number);
            let part = self.env.tasks.blocking(decoded).await;
            let part = part.map_err(|error| Ok(refused(&error)))?;
            self.propose_part(raft, InternalCommand::AddRestorePart(part))
                .await?;
        }
        let commit = InternalCommand::CommitRestore(split.after(parts));
        let index = self.propose_part(raft, commit).await?;
        tracing::info!(event = "restore.commit", parts, index);
        Ok(index)
    }

    async fn propose_part(&self, raft: &Raft, command: InternalCommand) -> Ended<u64> {
        let is_last = matches!(command, InternalCommand::CommitRestore(_));
        match raft.propose(Body::Internal(command), self.deadline()).await {
            Ok(Outcome::Applied { index }) => Ok(index),
            Ok(Outcome::Refused(refused)) => Err(Ok(encode_response(Err(&refused.to_string())))),
            Err(error) => {
                let error = Error::from(error);
                // Without the last command nothing was executed, whatever became of a part.
                Err(match error {
                    Error::Unknown(_) if !is_last => Err(Error::NoLeader { reachable: None }),
                    Error::OverQuota(over) => Ok(encode_response(Err(&over.to_string()))),
                    error => Err(error),
                })
            }
        }
    }
}

fn refused(error: &SplitError) -> Bytes {
    encode_response(Err(&error.to_string()))
}
