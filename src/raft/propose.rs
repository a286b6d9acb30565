//! Proposals: the only place that stamps and orders commands. Also the barrier of linearizable
//! reads.

use bytes::Bytes;
use openraft::errors::{ClientWriteError, ForwardToLeader, RaftError};
use openraft::impls::ProgressResponder;
use openraft::raft::ClientWriteResult;
use openraft::{LinearizerOption, ReadPolicy};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Raft;
use super::quota::OverQuota;
use super::types::{ApplyResult, EntryBytes, Types};
use crate::base::{RaftId, UnixNanos, rough};
use crate::machine::{InternalCommand, Outcome};
use crate::storage::{Room, RoomPermit, RoomUse, record_bytes};
use crate::wire::budget::{self, Count, OverBudget};
use crate::wire::envelope::{self, Body};

/// Maximum size of an enveloped command, after compression of large ones. With its record it fits
/// into a segment of the log, with its request into a frame. A member on a slow link must receive
/// it within the timeout of a frame, or nothing can be committed any more.
pub const MAX_COMMAND_BYTES: usize = 4 * 1024 * 1024;

/// Delay before a refused proposal is tried again. A new leader refuses for some milliseconds,
/// until a majority has answered it.
const LEASE_RETRY_DELAY: Duration = Duration::from_millis(5);

/// Interval between two looks at a disk that does not keep up.
const ROOM_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time that a command waits for a leader with a full disk to hand leadership over.
const HAND_OVER_WAIT: Duration = Duration::from_secs(5);

/// Nothing was done: this node does not lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("not the leader")]
pub struct NotLeader {
    /// The leader that this node knows.
    pub leader: Option<RaftId>,
}

/// Beginning of every text that says that a command may have been applied, or may still be.
pub const OUTCOME_UNKNOWN: &str = "the outcome is unknown";

/// Reasons why nobody knows whether a command is or will be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownReason {
    #[error("leadership was lost, or this node has halted, while the command was being committed")]
    LeadershipLost,
    #[error("no majority of the meta nodes has confirmed the command in time")]
    NoMajority,
    /// The disks became full after the command was logged here.
    #[error(
        "the command is in the log of this node, and the disks of a majority have become full: make \
         room"
    )]
    MajorityFull,
}

/// Reasons why a proposal has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// The command was not proposed.
    #[error("{0}")]
    NotLeader(#[from] NotLeader),
    /// The command was not proposed, or is certainly lost: there was no leader before the deadline.
    #[error("no leader")]
    NoLeader,
    /// The command may or may not have been applied, or may be applied later. This node cannot
    /// find out.
    #[error("{}: {reason}", OUTCOME_UNKNOWN, reason = .0)]
    Unknown(UnknownReason),
    /// The command was not proposed.
    #[error("the disk is full: new commands are refused until there is room")]
    DiskFull,
    /// The command was not proposed. It has waited until its deadline.
    #[error("the disk does not keep up: the command waited and was not taken")]
    DiskSlow,
    /// The command was not proposed: its stamp would set the catalog's time far ahead.
    #[error(
        "the clock of the leader, Raft id {raft_id}, is {} ahead of the other meta nodes: commands \
         are refused until it is right", rough(*by)
    )]
    ClockAhead { raft_id: RaftId, by: Duration },
    #[error("this node has halted: {0}")]
    Halted(String),
    #[error("this node is stopping")]
    Stopping,
    #[error("the command has {bytes} bytes in the log, at most {max} are taken")]
    TooLarge { bytes: usize, max: usize },
    #[error("{0}")]
    OverQuota(#[from] OverQuota),
    /// Each node would have to apply it, and again at each start.
    #[error("{0}")]
    OverBudget(#[from] OverBudget),
}

/// Reasons why a linearizable read is not possible now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarrierError {
    #[error("{0}")]
    NotLeader(#[from] NotLeader),
    #[error("no majority confirmed the leader in time")]
    NoMajority,
    #[error("this node has halted or is stopping")]
    Closed,
}

/// Result of an attempt without an outcome.
enum Attempt {
    /// Certainly not in the log.
    NotProposed,
    Failed(ProposeError),
}

impl Raft {
    /// Stamps, orders, replicates and applies a command. The only place that does so.
    ///
    /// # Errors
    /// Only `Unknown` leaves open whether the command is or will be applied.
    pub async fn propose(&self, body: Body, deadline: Instant) -> Result<Outcome, ProposeError> {
        let stamp = self.inner.env.clock.now();
        let command = self.encode(stamp, &body).await?;
        self.wait_until_founded(&body, deadline).await?;
        loop {
            self.wait_until_leader(deadline).await?;
            self.wait_for_clocks(stamp, deadline).await?;
            self.check_stamp(stamp)?;
            self.check_quota(&command).await?;
            let _permit = self.wait_for_room(&command, deadline).await?;
            match self.attempt(command.clone(), deadline).await {
                Ok(outcome) => return Ok(outcome),
                Err(Attempt::Failed(error)) => return Err(error),
                Err(Attempt::NotProposed) => tokio::time::sleep(LEASE_RETRY_DELAY).await,
            }
        }
    }

    /// Waits until this node, as leader, has applied everything that was acknowledged before the
    /// call. Uses ReadIndex: a majority confirms the leader now. Leases returned stale data in
    /// tests.
    ///
    /// # Errors
    /// This node does not lead, or cannot confirm it before the deadline.
    pub async fn barrier(&self, deadline: Instant) -> Result<(), BarrierError> {
        let asked = self
            .inner
            .raft
            .ensure_linearizable(LinearizerOption::from(ReadPolicy::ReadIndex));
        let answered = tokio::select! {
            biased;
            answered = asked => answered,
            () = self.given_up(deadline) => return Err(BarrierError::NoMajority),
        };
        match answered {
            Ok(_) => Ok(()),
            Err(RaftError::APIError(openraft::errors::LinearizableReadError::ForwardToLeader(
                to,
            ))) => Err(NotLeader {
                leader: to.leader_id.map(RaftId),
            }
            .into()),
            Err(RaftError::APIError(_)) => Err(BarrierError::NoMajority),
            Err(RaftError::Fatal(_)) => Err(BarrierError::Closed),
        }
    }

    async fn encode(&self, now: UnixNanos, body: &Body) -> Result<EntryBytes, ProposeError> {
        self.check_running()?;
        let autocreate = self.inner.config.retention_autocreate;
        let bytes = match body {
            Body::Wire(command) if envelope::is_large(command) => {
                let body = body.clone();
                let encoded = move || encode_within_budget(now, autocreate, &body);
                self.inner.env.tasks.blocking(encoded).await?
            }
            _ => encode_within_budget(now, autocreate, body)?,
        };
        if bytes.len() > MAX_COMMAND_BYTES {
            return Err(ProposeError::TooLarge {
                bytes: bytes.len(),
                max: MAX_COMMAND_BYTES,
            });
        }
        Ok(EntryBytes(bytes))
    }

    pub(super) fn check_running(&self) -> Result<(), ProposeError> {
        if let Some(halted) = self.halted() {
            return Err(ProposeError::Halted(halted));
        }
        if self.inner.tasks.is_stopped() {
            return Err(ProposeError::Stopping);
        }
        Ok(())
    }

    /// Waits until `Found` is applied: nothing else is proposed before (founding.md 5.5). A new
    /// leader of an existing cluster has it in its log, and applies it soon.
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
        tokio::select! {
            biased;
            founded = founded => founded.map(drop).map_err(|_| ProposeError::Stopping),
            () = self.given_up(deadline) => Err(ProposeError::NoLeader),
        }
    }

    /// Fails if another node leads: the caller must use that node.
    pub(super) fn check_not_elsewhere(&self) -> Result<(), NotLeader> {
        match self.leader() {
            leader @ Some(id) if id != self.inner.me.raft_id => Err(NotLeader { leader }),
            _ => Ok(()),
        }
    }

    /// Waits until this node leads.
    async fn wait_until_leader(&self, deadline: Instant) -> Result<(), ProposeError> {
        let mut changed = self.changed();
        let give_up = deadline.min(Instant::now() + self.no_leader_timeout());
        loop {
            changed.borrow_and_update();
            self.check_running()?;
            self.check_not_elsewhere()?;
            if self.leader().is_some() && !self.is_draining() {
                return Ok(());
            }
            match timeout_at(give_up, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(ProposeError::Stopping),
                Err(_) => return Err(ProposeError::NoLeader),
            }
        }
    }

    /// Time for which a request waits for a leader. An election is over long before, so without a
    /// leader there is no majority.
    pub fn no_leader_timeout(&self) -> Duration {
        self.inner.timers.no_leader_timeout
    }

    /// Resolves at the deadline, or once no leader has been known for [`Self::no_leader_timeout`].
    async fn given_up(&self, deadline: Instant) {
        tokio::select! {
            () = sleep_until(deadline) => {}
            () = self.without_leader() => {}
        }
    }

    async fn without_leader(&self) {
        let mut changed = self.changed();
        let mut give_up = Instant::now() + self.no_leader_timeout();
        loop {
            changed.borrow_and_update();
            if self.leader().is_some() {
                give_up = Instant::now() + self.no_leader_timeout();
            }
            match timeout_at(give_up, changed.changed()).await {
                Ok(Ok(())) => {}
                // Raft has ended on this node: no change is reported any more.
                Ok(Err(_)) => return sleep_until(give_up).await,
                Err(_) if self.leader().is_none() => return,
                Err(_) => {}
            }
        }
    }

    /// Waits until the disk keeps up. A full disk is reported at once: waiting does not free space.
    async fn wait_for_room(
        &self,
        command: &EntryBytes,
        deadline: Instant,
    ) -> Result<RoomPermit, ProposeError> {
        let bytes = record_bytes([command.0.len()]);
        let give_up = deadline.min(Instant::now() + HAND_OVER_WAIT);
        loop {
            match self.inner.log.accept(bytes, RoomUse::Proposal) {
                Ok(_) if self.full_majority().is_some() => return Err(ProposeError::DiskFull),
                Ok(permit) => return Ok(permit),
                // Another member is about to lead, and the caller is sent there.
                Err(Room::Full) if self.may_hand_over() && Instant::now() < give_up => {
                    self.check_not_elsewhere()?;
                    tokio::time::sleep(ROOM_POLL_INTERVAL).await;
                }
                Err(Room::Full | Room::Free) => return Err(ProposeError::DiskFull),
                Err(Room::Slow) if Instant::now() >= deadline => {
                    return Err(ProposeError::DiskSlow);
                }
                Err(Room::Slow) => tokio::time::sleep(ROOM_POLL_INTERVAL).await,
            }
        }
    }

    /// Returns whether leadership is about to go to a member with room, or has left this node.
    fn may_hand_over(&self) -> bool {
        // Nobody hands over because one command is too large for what is left.
        let is_full = self.inner.log.room() == Room::Full;
        let leads = self.leader() == Some(self.inner.me.raft_id);
        !leads || is_full && self.leader_with_room().is_some()
    }

    async fn attempt(&self, command: EntryBytes, deadline: Instant) -> Result<Outcome, Attempt> {
        if Instant::now() >= deadline {
            return Err(Attempt::Failed(ProposeError::NoLeader));
        }
        let (responder, answer) =
            ProgressResponder::<Types, ClientWriteResult<Types>>::complete_only();
        // From the moment that openraft has the command, only openraft's answer gives the outcome.
        let handed_over = async {
            self.inner
                .raft
                .client_write_ff(command, Some(responder))
                .await
                .ok()?;
            answer.await.ok()
        };
        let reason = tokio::select! {
            biased;
            answered = handed_over => match answered {
                Some(result) => return self.outcome(result),
                None => UnknownReason::LeadershipLost,
            },
            () = self.given_up(deadline) => match self.full_majority() {
                Some(_) => UnknownReason::MajorityFull,
                None => UnknownReason::NoMajority,
            },
        };
        Err(unknown(reason))
    }

    fn outcome(&self, result: ClientWriteResult<Types>) -> Result<Outcome, Attempt> {
        match result {
            Ok(response) => match response.data {
                ApplyResult::Outcome(outcome) => Ok(outcome),
                // Cannot happen: a command always has an outcome. If it did, the outcome would be
                // unknown.
                ApplyResult::Nothing => Err(unknown(UnknownReason::LeadershipLost)),
            },
            Err(ClientWriteError::ForwardToLeader(forward)) => Err(self.forwarded(&forward)),
            // Refused before it was logged, by rules that apply only to membership changes.
            Err(
                ClientWriteError::ChangeMembershipError(_)
                | ClientWriteError::PreconditionFailed(_),
            ) => Err(Attempt::NotProposed),
            Err(ClientWriteError::LogEntryDiscarded(_)) => {
                Err(unknown(UnknownReason::LeadershipLost))
            }
        }
    }

    /// Classifies a refusal before the command was logged: this node does not lead, no longer
    /// leads, or cannot propose yet.
    fn forwarded(&self, forward: &ForwardToLeader<Types>) -> Attempt {
        match forward.leader_id.map(RaftId) {
            leader @ Some(id) if id != self.inner.me.raft_id => {
                Attempt::Failed(NotLeader { leader }.into())
            }
            _ => Attempt::NotProposed,
        }
    }
}

fn unknown(reason: UnknownReason) -> Attempt {
    Attempt::Failed(ProposeError::Unknown(reason))
}

/// Encodes a command that costs no more than one command may.
fn encode_within_budget(
    now: UnixNanos,
    autocreate: bool,
    body: &Body,
) -> Result<Bytes, OverBudget> {
    if let Body::Wire(command) = body {
        let only_bytes = Count::of_bytes(command.len());
        budget::count(command).unwrap_or(only_bytes).check()?;
    }
    let bytes = envelope::encode(now, autocreate, body);
    if let Body::Internal(command) = body {
        budget::count_internal(command, bytes.len()).check()?;
    }
    Ok(bytes)
}
