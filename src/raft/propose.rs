//! Proposing: the one place that stamps and orders. And the barrier that reads wait for.

use openraft::errors::{ClientWriteError, ForwardToLeader, RaftError};
use openraft::impls::ProgressResponder;
use openraft::raft::ClientWriteResult;
use openraft::{LinearizerOption, ReadPolicy};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

use super::Raft;
use super::types::{ApplyResult, EntryBytes, Types};
use crate::base::RaftId;
use crate::machine::{InternalCommand, Outcome};
use crate::wire::envelope::{self, Body};

/// Of an enveloped command, large ones packed: with its record it fits a segment of the log, with
/// its request a frame. A member on a slow line must have it within a frame's deadline, or nothing
/// is ever committed again.
pub const MAX_COMMAND_BYTES: usize = 4 * 1024 * 1024;

/// A leader that has just been elected refuses for some milliseconds, until a majority has answered
/// it.
const LEASE_RETRY_DELAY: Duration = Duration::from_millis(5);

/// Why a proposal has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Not proposed: this node does not lead.
    #[error("not the leader")]
    NotLeader { leader: Option<RaftId> },
    /// Not proposed, or certainly lost: there was no leader before the deadline.
    #[error("no leader")]
    NoLeader,
    /// May or may not have happened; nobody can say.
    #[error(
        "the outcome is unknown: leadership or time was lost while the command was being committed"
    )]
    Unknown,
    #[error("the disk is full or does not keep up: new commands are refused until there is room")]
    DiskFull,
    #[error("this node has halted: {0}")]
    Halted(String),
    #[error("this node is stopping")]
    Stopping,
    #[error("the command has {bytes} bytes in the log, at most {max} are taken")]
    TooLarge { bytes: usize, max: usize },
}

/// Why a linearizable read is not possible here and now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarrierError {
    #[error("not the leader")]
    NotLeader { leader: Option<RaftId> },
    #[error("no majority confirmed the leader in time")]
    NoMajority,
    #[error("this node has halted or is stopping")]
    Closed,
}

/// What one attempt came to, when it was no outcome.
enum Attempt {
    /// Certainly not in the log.
    NotProposed,
    Failed(ProposeError),
}

impl Raft {
    /// Stamps, orders, replicates, applies. The one place that does.
    ///
    /// # Errors
    /// Only `Unknown` leaves it open whether the command will have happened.
    pub async fn propose(&self, body: Body, deadline: Instant) -> Result<Outcome, ProposeError> {
        let command = self.encode(&body).await?;
        self.wait_until_founded(&body, deadline).await?;
        loop {
            self.wait_until_leader(deadline).await?;
            match self.attempt(command.clone(), deadline).await {
                Ok(outcome) => return Ok(outcome),
                Err(Attempt::Failed(error)) => return Err(error),
                Err(Attempt::NotProposed) => tokio::time::sleep(LEASE_RETRY_DELAY).await,
            }
        }
    }

    /// Waits until this node, as leader, has applied everything acknowledged before the call
    /// (ReadIndex: a majority confirms the leader now. Leases returned stale data in tests).
    ///
    /// # Errors
    /// This node does not lead, or cannot prove it before the deadline.
    pub async fn barrier(&self, deadline: Instant) -> Result<(), BarrierError> {
        let asked = self
            .inner
            .raft
            .ensure_linearizable(LinearizerOption::from(ReadPolicy::ReadIndex));
        match timeout_at(deadline, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(RaftError::APIError(
                openraft::errors::LinearizableReadError::ForwardToLeader(to),
            ))) => Err(BarrierError::NotLeader {
                leader: to.leader_id.map(RaftId),
            }),
            Ok(Err(RaftError::APIError(_))) | Err(_) => Err(BarrierError::NoMajority),
            Ok(Err(RaftError::Fatal(_))) => Err(BarrierError::Closed),
        }
    }

    async fn encode(&self, body: &Body) -> Result<EntryBytes, ProposeError> {
        self.check_running()?;
        let (now, autocreate) = (
            self.inner.env.clock.now(),
            self.inner.config.retention_autocreate,
        );
        let bytes = match body {
            Body::Wire(command) if envelope::is_large(command) => {
                let body = body.clone();
                self.inner
                    .env
                    .tasks
                    .blocking(move || envelope::encode(now, autocreate, &body))
                    .await
            }
            _ => envelope::encode(now, autocreate, body),
        };
        if bytes.len() > MAX_COMMAND_BYTES {
            return Err(ProposeError::TooLarge {
                bytes: bytes.len(),
                max: MAX_COMMAND_BYTES,
            });
        }
        Ok(EntryBytes(bytes))
    }

    fn check_running(&self) -> Result<(), ProposeError> {
        if let Some(halted) = self.halted() {
            return Err(ProposeError::Halted(halted));
        }
        if self.inner.tasks.is_stopped() {
            return Err(ProposeError::Stopping);
        }
        Ok(())
    }

    /// Before `Found` is applied nothing else is proposed (founding.md 5.5). A leader just elected
    /// in an old cluster has it in its log, and will have applied it soon.
    async fn wait_until_founded(&self, body: &Body, deadline: Instant) -> Result<(), ProposeError> {
        if matches!(body, Body::Internal(InternalCommand::Found(_))) {
            return Ok(());
        }
        let mut applied = self.applied();
        if applied.borrow().catalog.cluster.is_some() {
            return Ok(());
        }
        self.check_not_elsewhere()?;
        let founded = applied.wait_for(|applied| applied.catalog.cluster.is_some());
        match timeout_at(deadline, founded).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(ProposeError::Stopping),
            Err(_) => Err(ProposeError::NoLeader),
        }
    }

    /// Fails when another node leads: the caller's business goes there.
    fn check_not_elsewhere(&self) -> Result<(), ProposeError> {
        match self.leader() {
            Some(leader) if leader != self.inner.me.raft_id => Err(ProposeError::NotLeader {
                leader: Some(leader),
            }),
            _ => Ok(()),
        }
    }

    /// Waits until this node leads.
    async fn wait_until_leader(&self, deadline: Instant) -> Result<(), ProposeError> {
        let mut changed = self.changed();
        loop {
            changed.borrow_and_update();
            self.check_running()?;
            self.check_not_elsewhere()?;
            if self.leader().is_some() && !self.is_draining() {
                return Ok(());
            }
            match timeout_at(deadline, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(ProposeError::Stopping),
                Err(_) => return Err(ProposeError::NoLeader),
            }
        }
    }

    async fn attempt(&self, command: EntryBytes, deadline: Instant) -> Result<Outcome, Attempt> {
        if Instant::now() >= deadline {
            return Err(Attempt::Failed(ProposeError::NoLeader));
        }
        if !self.inner.log.has_room() {
            return Err(Attempt::Failed(ProposeError::DiskFull));
        }
        let (responder, answer) =
            ProgressResponder::<Types, ClientWriteResult<Types>>::complete_only();
        // From the moment that openraft has it, only its own answer says what became of it.
        let handed_over = async {
            self.inner
                .raft
                .client_write_ff(command, Some(responder))
                .await
                .ok()?;
            answer.await.ok()
        };
        match timeout_at(deadline, handed_over).await {
            Ok(Some(result)) => self.outcome(result),
            Ok(None) | Err(_) => Err(Attempt::Failed(ProposeError::Unknown)),
        }
    }

    fn outcome(&self, result: ClientWriteResult<Types>) -> Result<Outcome, Attempt> {
        match result {
            Ok(response) => match response.data {
                ApplyResult::Outcome(outcome) => Ok(outcome),
                // A command always has an outcome; were it not so, nobody could say what happened.
                ApplyResult::Nothing => Err(Attempt::Failed(ProposeError::Unknown)),
            },
            Err(ClientWriteError::ForwardToLeader(forward)) => Err(self.forwarded(&forward)),
            // Refused before it was logged, by rules that apply to membership changes only.
            Err(
                ClientWriteError::ChangeMembershipError(_)
                | ClientWriteError::PreconditionFailed(_),
            ) => Err(Attempt::NotProposed),
            Err(ClientWriteError::LogEntryDiscarded(_)) => {
                Err(Attempt::Failed(ProposeError::Unknown))
            }
        }
    }

    /// Refused before it was logged: by a node that does not lead, no longer leads, or cannot yet.
    fn forwarded(&self, forward: &ForwardToLeader<Types>) -> Attempt {
        match forward.leader_id.map(RaftId) {
            Some(leader) if leader != self.inner.me.raft_id => {
                Attempt::Failed(ProposeError::NotLeader {
                    leader: Some(leader),
                })
            }
            _ => Attempt::NotProposed,
        }
    }
}
