//! What `cluster` asks of other nodes, as a seam: HTTP in the program, memory in simulations.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::base::endpoint::{META_HTTP_PORT, META_RAFT_PORT};
use crate::base::{Address, Incarnation};
use crate::runtime::net::BoxFuture;
use crate::wire::api::Announcement;
use crate::wire::identity::Identity;

/// How one poll of one address ended badly; `Display` is what the log and `show -v` say after
/// `meta-2: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    #[error("name unknown")]
    NameUnknown,
    #[error("connection refused")]
    Refused,
    #[error("no answer in time")]
    Timeout,
    #[error("that is {META_RAFT_PORT}, the Raft port; use {META_HTTP_PORT}")]
    RaftPort,
    #[error("answers, but is not a meta node of ours ({0})")]
    NotOurs(String),
    #[error("an influxd-meta of another make answers there: it cannot be part of this cluster")]
    OtherMetaNode,
    #[error("wrong secret: internal-shared-secret differs")]
    WrongSecret,
    /// One of ours that starts or stops, in its own words: it will be there in a moment.
    #[error("{0}")]
    NotYet(String),
    #[error("{0}")]
    Io(String),
}

impl PollError {
    /// Somebody answers there, and not as a founder may: a person must look (F4). Otherwise nobody
    /// does (F5).
    pub fn is_an_answer(&self) -> bool {
        match self {
            Self::RaftPort | Self::NotOurs(_) | Self::OtherMetaNode | Self::WrongSecret => true,
            Self::NameUnknown | Self::Refused | Self::Timeout | Self::NotYet(_) | Self::Io(_) => {
                false
            }
        }
    }
}

/// A request on one of the paths of [`crate::wire::joining`].
#[derive(Clone, Debug)]
pub struct PeerRequest {
    pub path: &'static str,
    /// This node: the proofs cover it.
    pub from: Incarnation,
    /// Answered by this node only, where it is known who is meant: two stacks on one network share
    /// names.
    pub meant_for: Option<Incarnation>,
    pub body: Vec<u8>,
    pub within: Duration,
}

impl PeerRequest {
    pub fn new(path: &'static str, from: Incarnation, message: &impl Serialize) -> Self {
        // Only maps with keys that are no strings could fail, and there is none.
        let body = serde_json::to_vec(message).unwrap_or_default();
        Self {
            path,
            from,
            meant_for: None,
            body,
            within: REQUEST_TIMEOUT,
        }
    }

    /// Who waits for it gives up then.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.within = self
            .within
            .min(deadline.saturating_duration_since(Instant::now()));
        self
    }

    #[must_use]
    pub fn meant_for(mut self, incarnation: Option<Incarnation>) -> Self {
        self.meant_for = incarnation;
        self
    }
}

/// A leader calls the asker back, and asks all members before it replaces one. One that is asked
/// and finds no leader says so after 9 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Any answer, whatever its status.
#[derive(Clone, Debug)]
pub struct PeerResponse {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whoever answered knows our secret, or we have none. What is not proven is told to people and
    /// not acted on.
    pub proven: bool,
}

impl PeerResponse {
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PollError> {
        serde_json::from_slice(&self.body).map_err(|error| PollError::NotOurs(error.to_string()))
    }
}

/// The one exchange of founding: our identity there, theirs back, from exactly this socket address.
/// `client` implements it over HTTP; simulations in memory. It proves and checks secrets
/// (founding.md 11).
pub trait Exchange: Send + Sync + 'static {
    fn identity(
        &self,
        at: SocketAddr,
        host: &Address,
        ours: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>>;
    /// Whatever is asked besides, at one address of the name: founding.md 6 to 8.
    fn ask(&self, to: &Address, ask: PeerRequest)
    -> BoxFuture<'_, Result<PeerResponse, PollError>>;
    /// `POST /announce` to a member.
    fn announce(
        &self,
        to: &Address,
        announcement: Announcement,
    ) -> BoxFuture<'_, Result<(), PollError>>;
}
