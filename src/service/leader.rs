//! Who answers what only the leader can: this node, the leader by redirect, or the leader by
//! carrying (design: who redirects).

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::error::UnknownOutcome;
use super::{Error, ForwardError, ForwardedRequest, ForwardedResponse, NotLeader, Service};
use crate::base::Address;
use crate::catalog::MetaNode;
use crate::raft::Raft;
use crate::wire::headers;

/// A leader that is being elected takes a few hundred milliseconds; Raft's own word usually comes
/// first.
const LEADER_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// A leader that has handed over answers what it had committed at once.
const LAST_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Heard within this, a meta node counts as reachable: twice the pace at which members dial each
/// other.
const REACHABLE_WITHIN: Duration = Duration::from_secs(3);

/// How long a caller waits, and what becomes of a carried request whose leader dies.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a leader, at first and after each that died.
    pub leader_timeout: Duration,
    /// For the answer of the one that a request was carried to.
    pub answer: Instant,
    pub retry: Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Twice may be more than once: what was sent and not answered is not sent again.
    Never,
    /// Twice is as once: it is carried to the next leader as well.
    Idempotent,
    /// As `Again`, and takes hours: a leader that is deposed meanwhile goes on with it.
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
    fn leader_deadline(&self) -> Instant {
        self.answer.min(Instant::now() + self.leader_timeout)
    }
}

/// A request as the leader logic sees it.
pub struct LeaderRequest {
    /// The `Host` that the caller used, with or without a port; `None` is never redirected.
    pub host: Option<String>,
    /// It was carried here by another meta node.
    pub is_forwarded: bool,
    pub request: ForwardedRequest,
}

/// Where an answer came from.
#[derive(Debug)]
pub enum Reply<T> {
    Local(T),
    /// The caller can reach the leader by its name, and should.
    Redirect(Address),
    Forwarded(ForwardedResponse),
}

/// What a try at the leader came to.
enum Attempt {
    Answer(ForwardedResponse),
    NotExecuted,
    /// It was sent; whether it was executed nobody knows.
    Lost(UnknownOutcome),
}

impl Service {
    /// Answers here if this node leads (`here` fails with `NotLeader` when it does not), else
    /// through the leader; waits for one until the deadline. `ask` is made only when it is needed.
    ///
    /// # Errors
    /// What this node could not do itself, `here` says. Of what was carried all but `Unknown` mean
    /// that nothing was executed.
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
            // That nothing was done is true of the last try only.
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
        let mut deadline = limits.leader_deadline();
        match self.with_reachable_count(local().await) {
            Err(Error::NotLeader(_)) => {}
            answered => return answered.map(Reply::Local),
        }
        let request = make_request();
        loop {
            if request.is_forwarded {
                return Err(self.no_leader());
            }
            let raft = self.raft()?;
            let mut changed = raft.changed();
            if let Some(leader) = self.leader_elsewhere(&raft) {
                if self.is_advertised(request.host.as_deref()) {
                    return Ok(Reply::Redirect(leader));
                }
                match self.forward(&raft, &leader, &request.request, limits).await {
                    Attempt::Answer(answer) => return Ok(Reply::Forwarded(answer)),
                    Attempt::Lost(outcome) if limits.retry == Retry::Never => {
                        return Err(outcome.into());
                    }
                    Attempt::Lost(outcome) => {
                        *lost = Some(outcome);
                        deadline = limits.leader_deadline();
                    }
                    Attempt::NotExecuted => {}
                }
            }
            let next_check = Instant::now() + LEADER_CHECK_INTERVAL;
            if next_check > deadline {
                return Err(self.no_leader());
            }
            // A closed channel returns at once, and `raft()` then says why.
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
        let request = request.clone().meant_for(incarnation);
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

    /// Resolves some time after another node than `leader` leads: a leader that was cut off or
    /// stopped in the middle would keep the caller until the deadline, and has nothing to say any
    /// more.
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
                // Raft ends here: the answer, or the deadline, is all that can still come.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The leader's HTTP address, when it is known and is not this node.
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

    /// # Errors
    /// `Misdirected` when a carried request was meant for another node.
    pub fn check_meant_for(&self, incarnation: &[u8]) -> Result<(), Error> {
        let ours = self.cluster().view().incarnation.to_string();
        if ours.as_bytes() == incarnation {
            Ok(())
        } else {
            Err(Error::Misdirected)
        }
    }

    /// The caller used a name that members go by, so it can use the leader's as well. A caller who
    /// came through a published port or a load balancer could not resolve it.
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

    /// Says how many of the cluster's meta nodes this one has heard lately, so that a person sees
    /// at once whether a majority is missing or an election under way.
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

/// The error of a node that does not lead, with the leader that it knows.
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

fn is_not_executed(error: &Error) -> bool {
    matches!(
        error,
        Error::NoLeader { .. }
            | Error::NotMember(_)
            | Error::Halted { .. }
            | Error::PollHalted { .. }
            | Error::Stopping
    )
}

fn says_not_executed(answer: &ForwardedResponse) -> bool {
    answer.header(headers::FORWARDED) == Some(&Bytes::from_static(headers::NOT_EXECUTED.as_bytes()))
}
