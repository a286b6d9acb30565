//! Requests that only the leader can answer: executed here, redirected to the leader, or forwarded
//! to it (write_path.md; decisions.md 10).

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::error::UnknownOutcome;
use super::{
    Error, ForwardError, ForwardedRequest, ForwardedResponse, NotLeader, Refusal, Service,
};
use crate::base::Address;
use crate::catalog::MetaNode;
use crate::raft::Raft;
use crate::wire::headers;

/// Interval of checks for a leader. An election takes a few hundred milliseconds; usually Raft's
/// notification comes first.
const LEADER_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Time for the last answer of a leader that has transferred its leadership: it answers at once
/// what it had committed.
const LAST_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Time within which a meta node must have been heard to count as reachable: twice the interval at
/// which members dial each other.
const REACHABLE_WITHIN: Duration = Duration::from_secs(3);

/// Timeouts of a caller, and what becomes of a forwarded request whose leader dies.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Timeout for finding a leader, at first and after each leader that died.
    pub leader_timeout: Duration,
    /// Deadline for the answer of the leader that a request was forwarded to.
    pub answer: Instant,
    pub retry: Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The request is not idempotent: it is never retried once sent.
    Never,
    /// Idempotent: retried at the next leader.
    Idempotent,
    /// Idempotent, and takes hours: a leader that is deposed meanwhile goes on with it.
    LongRunning,
}

impl From<Instant> for Limits {
    fn from(answer: Instant) -> Self {
        let patience = answer.saturating_duration_since(Instant::now());
        Self {
            leader_timeout: patience,
            answer,
            retry: Retry::Never,
        }
    }
}

impl Limits {
    /// Returns these limits, with `answer` not later than `deadline`.
    #[must_use]
    pub fn until(self, deadline: Instant) -> Self {
        Self {
            answer: self.answer.min(deadline),
            ..self
        }
    }

    fn leader_deadline(&self, raft: &Raft) -> Instant {
        let patience = self.leader_timeout.min(raft.no_leader_timeout());
        self.answer.min(Instant::now() + patience)
    }
}

/// A request that may have to go to the leader.
pub struct LeaderRequest {
    /// `Host` that the caller used, with or without a port. Without it the caller is never
    /// redirected.
    pub host: Option<String>,
    /// Forwarded here by another meta node.
    pub is_forwarded: bool,
    pub request: ForwardedRequest,
}

/// An answer, or where to get it.
#[derive(Debug)]
pub enum Reply<T> {
    Local(T),
    /// The caller can reach the leader by its name, and should.
    Redirect(Address),
    Forwarded(ForwardedResponse),
}

/// Result of one attempt at the leader.
enum Attempt {
    Answer(ForwardedResponse),
    NotExecuted,
    /// The request was sent; whether it was executed is unknown.
    Lost(UnknownOutcome),
}

impl Service {
    /// Answers here if this node leads (`local` fails with `NotLeader` when it does not), else
    /// through the leader. Waits for a leader until the deadline. Calls `make_request` only when it
    /// is needed.
    ///
    /// # Errors
    /// Errors of `local`. Of a forwarded request all but `Unknown` mean that nothing was executed.
    pub async fn at_leader<T, Fut>(
        &self,
        limits: Limits,
        make_request: impl FnOnce() -> LeaderRequest,
        local: impl Fn() -> Fut,
    ) -> Result<Reply<T>, Error>
    where
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut lost = None;
        let answered = self
            .locally_or_forwarded(limits, make_request, local, &mut lost)
            .await;
        answered.map_err(|error| match lost {
            // The error of the last attempt says that nothing was executed: an earlier attempt may
            // have been.
            Some(lost) if is_not_executed(&error) => Error::Unknown(lost),
            _ => error,
        })
    }

    async fn locally_or_forwarded<T, Fut>(
        &self,
        limits: Limits,
        make_request: impl FnOnce() -> LeaderRequest,
        local: impl Fn() -> Fut,
        lost: &mut Option<UnknownOutcome>,
    ) -> Result<Reply<T>, Error>
    where
        Fut: Future<Output = Result<T, Error>>,
    {
        match self.with_reachable_count(local().await) {
            Err(Error::NotLeader(_)) => {}
            answered => return answered.map(Reply::Local),
        }
        let request = make_request();
        if request.is_forwarded {
            return Err(self.no_leader());
        }
        let mut deadline = limits.leader_deadline(&self.raft()?);
        loop {
            let raft = self.raft()?;
            let mut changed = raft.changed();
            if let Some(leader) = self.leader_elsewhere(&raft) {
                if self.is_advertised(request.host.as_deref()) {
                    return Ok(Reply::Redirect(leader));
                }
                match self.forward(&raft, &leader, &request.request, limits).await {
                    // The next leader's refusal does not tell what became of the lost request.
                    Attempt::Answer(answer) if says_no_room(&answer) && lost.is_some() => {
                        return Err(self.no_leader());
                    }
                    Attempt::Answer(answer) => return Ok(Reply::Forwarded(answer)),
                    Attempt::Lost(outcome) if limits.retry == Retry::Never => {
                        return Err(outcome.into());
                    }
                    Attempt::Lost(outcome) => {
                        *lost = Some(outcome);
                        deadline = limits.leader_deadline(&raft);
                    }
                    Attempt::NotExecuted => {}
                }
            }
            let next_check = Instant::now() + LEADER_CHECK_INTERVAL;
            if next_check > deadline {
                return Err(self.no_leader());
            }
            // A closed channel returns at once; `raft()` then says why.
            let _ = tokio::time::timeout_at(next_check, changed.changed()).await;
            match self.with_reachable_count(local().await) {
                Err(Error::NotLeader(_)) => {}
                answered => return answered.map(Reply::Local),
            }
        }
    }

    async fn forward(
        &self,
        raft: &Raft,
        leader: &Address,
        request: &ForwardedRequest,
        limits: Limits,
    ) -> Attempt {
        let Some(incarnation) = meta_node_at(raft, leader).map(|node| node.incarnation) else {
            return Attempt::NotExecuted;
        };
        let request = request
            .clone()
            .meant_for(incarnation)
            .answered_until(limits.answer);
        let answered = tokio::select! {
            biased;
            answered = self.forwarder.forward(leader, &request, limits.answer) => answered,
            () = self.wait_until_deposed(raft, leader), if limits.retry != Retry::LongRunning => {
                return Attempt::Lost(UnknownOutcome::Deposed { leader: leader.clone() });
            }
        };
        match answered {
            Ok(answer) if says_not_executed(&answer) => Attempt::NotExecuted,
            Ok(answer) => {
                self.metrics.forwarded.add();
                Attempt::Answer(answer)
            }
            Err(ForwardError::NotSent(_)) => Attempt::NotExecuted,
            Err(ForwardError::NoAnswer(error)) => Attempt::Lost(UnknownOutcome::NoAnswer {
                leader: leader.clone(),
                error,
            }),
        }
    }

    /// Resolves 1 s after another node than `leader` leads. A leader that was cut off or stopped
    /// during the request would keep the caller until the deadline, and will not answer any more.
    async fn wait_until_deposed(&self, raft: &Raft, leader: &Address) {
        let mut changed = raft.changed();
        loop {
            changed.borrow_and_update();
            let another = match self.leader_elsewhere(raft) {
                Some(now) => now != *leader,
                None => raft.status().leader.is_some(),
            };
            if another {
                tokio::time::sleep(LAST_ANSWER_TIMEOUT).await;
                return;
            }
            if changed.changed().await.is_err() {
                // Raft ends on this node: only the answer, or the deadline, can still come.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns the leader's HTTP address, when it is known and is not this node.
    pub(super) fn leader_elsewhere(&self, raft: &Raft) -> Option<Address> {
        let leader = raft.status().leader?;
        if self.cluster().view().raft_id == Some(leader) {
            return None;
        }
        let applied = raft.applied();
        let http = applied
            .borrow()
            .catalog
            .meta_node_by_raft_id(leader)?
            .http
            .clone();
        Some(http)
    }

    /// Checks that this node is the one that a request was forwarded to.
    ///
    /// # Errors
    /// `Misdirected` when it was meant for another node.
    pub fn check_meant_for(&self, incarnation: &[u8]) -> Result<(), Error> {
        let ours = self.cluster().view().incarnation.to_string();
        if ours.as_bytes() == incarnation {
            Ok(())
        } else {
            Err(Error::Misdirected)
        }
    }

    /// Returns whether the caller used an advertised name, so that it can use the leader's as well.
    /// A caller that came through a published port or a load balancer could not resolve that.
    fn is_advertised(&self, host: Option<&str>) -> bool {
        let Some(Ok(host)) = host.map(|host| Address::parse(host, 80)) else {
            return false;
        };
        self.applied()
            .is_some_and(|applied| applied.catalog.meta_node_by_http(&host).is_some())
    }

    fn with_reachable_count<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Err(Error::NoLeader { reachable: None }) => Err(self.no_leader()),
            other => other,
        }
    }

    /// Returns an error with the number of the cluster's meta nodes that this one has heard lately:
    /// an operator sees at once whether a majority is missing or an election is under way.
    fn no_leader(&self) -> Error {
        let (Some(applied), Ok(identity)) = (self.applied(), self.cluster().identity()) else {
            return Error::NoLeader { reachable: None };
        };
        let nodes = &applied.catalog.meta_nodes;
        let heard = |node: &MetaNode| {
            let lately = |(who, ms): &(_, u64)| {
                *who == node.incarnation && u128::from(*ms) <= REACHABLE_WITHIN.as_millis()
            };
            node.incarnation == identity.incarnation || identity.heard.iter().any(lately)
        };
        let count = nodes.values().filter(|node| heard(node)).count();
        Error::NoLeader {
            reachable: (!nodes.is_empty()).then_some((count, nodes.len())),
        }
    }
}

/// Returns the error of a node that does not lead, with the leader that it knows.
pub(super) fn not_leader(raft: &Raft) -> Error {
    NotLeader {
        leader: raft.status().leader,
    }
    .into()
}

pub(super) fn meta_node_at(raft: &Raft, http: &Address) -> Option<MetaNode> {
    raft.applied()
        .borrow()
        .catalog
        .meta_nodes
        .values()
        .find(|node| node.http == *http)
        .cloned()
}

/// Returns whether an error says that the attempt which it ends executed nothing, for a reason that
/// has nothing to do with earlier attempts.
fn is_not_executed(error: &Error) -> bool {
    match error {
        Error::NotMember(_)
        | Error::NotLeader(_)
        | Error::NoLeader { .. }
        | Error::DiskFull
        | Error::DiskSlow
        | Error::ClockAhead { .. }
        | Error::Halted { .. }
        | Error::PollHalted { .. }
        | Error::Stopping
        | Error::TooLarge { .. }
        | Error::OverBudget(_)
        | Error::OverQuota(_)
        | Error::NoMemory { .. }
        | Error::Busy
        | Error::TooManyLists
        | Error::Misdirected
        | Error::Password(_)
        | Error::Refused(Refusal::NotYet(_)) => true,
        Error::Unknown(_)
        | Error::Bad(_)
        | Error::Refused(_)
        | Error::NodeNotFound
        | Error::UnknownName(_)
        | Error::DataNode(_)
        | Error::Conflict(_)
        | Error::NotAllUp => false,
    }
}

/// The same for the answer of a leader: 413, 503 and 507 are their statuses.
fn says_no_room(answer: &ForwardedResponse) -> bool {
    matches!(answer.status, 413 | 503 | 507)
}

fn says_not_executed(answer: &ForwardedResponse) -> bool {
    answer.header(headers::FORWARDED) == Some(&Bytes::from_static(headers::NOT_EXECUTED.as_bytes()))
}
