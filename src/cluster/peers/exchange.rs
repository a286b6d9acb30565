//! The way to other meta nodes, as a trait: HTTP in the program, memory in simulations.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::base::endpoint::{META_HTTP_PORT, META_RAFT_PORT};
use crate::base::{Address, Incarnation};
use crate::runtime::net::{BoxFuture, LookupError};
use crate::wire::api::Announcement;
use crate::wire::identity::Identity;

/// Errors of one poll or request. The log and `show -v` print the text after `meta-2: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// The name gave no address.
    #[error("{0}")]
    Lookup(#[from] LookupError),
    #[error("connection refused")]
    Refused,
    #[error("no answer in time")]
    Timeout,
    #[error("that is {META_RAFT_PORT}, the Raft port; use {META_HTTP_PORT}")]
    RaftPort,
    #[error(
        "a data node answers there; data nodes are added with `influxd-ctl add-data`, meta nodes by \
         their port {META_HTTP_PORT}"
    )]
    DataNode,
    #[error("answers, but is not a meta node of ours ({0})")]
    NotOurs(String),
    #[error("an influxd-meta of another make answers there: it cannot be part of this cluster")]
    OtherMetaNode,
    #[error("wrong secret: internal-shared-secret differs")]
    WrongSecret,
    /// The answering node says that it has no secret, and this node has one.
    #[error(
        "INFLUXDB_META_INTERNAL_SHARED_SECRET is set here and not there: set it to the same text on \
         all nodes"
    )]
    NoSecretThere,
    /// An influxd-meta that starts or stops, in its own words. It will answer in a moment.
    #[error("{0}")]
    NotYet(String),
    /// The name look-up did not end in time. It goes on, and a later poll has its result.
    #[error("the name look-up hangs")]
    LookupTimeout,
    /// Any other failure, in the words of the operating system or of the node that answered.
    #[error("{0}")]
    Io(String),
}

impl PollError {
    /// A name that gave no address, without a name server that said so.
    pub const NAME_UNKNOWN: Self = Self::Lookup(LookupError::Unknown { server: None });

    /// Whether the name gave no address, for whatever reason.
    pub fn is_of_lookup(&self) -> bool {
        matches!(self, Self::Lookup(_) | Self::LookupTimeout)
    }

    /// Whether the name does not exist, as opposed to a look-up that failed.
    pub fn is_name_unknown(&self) -> bool {
        matches!(self, Self::Lookup(error) if error.is_unknown())
    }

    /// Whether a node answers there, but not as a founder may: an operator must act
    /// (founding.md F4). Otherwise no node answers (founding.md F5).
    pub fn is_an_answer(&self) -> bool {
        match self {
            Self::RaftPort
            | Self::DataNode
            | Self::NotOurs(_)
            | Self::OtherMetaNode
            | Self::WrongSecret
            | Self::NoSecretThere => true,
            Self::Lookup(_)
            | Self::Refused
            | Self::Timeout
            | Self::NotYet(_)
            | Self::LookupTimeout
            | Self::Io(_) => false,
        }
    }
}

/// A request on one of the paths of [`crate::wire::joining`].
#[derive(Clone, Debug)]
pub struct PeerRequest {
    pub path: &'static str,
    /// This node's incarnation; the proofs cover it.
    pub from: Incarnation,
    /// The only incarnation that may answer, where it is known. Two stacks on one network may share
    /// names.
    pub meant_for: Option<Incarnation>,
    pub body: Vec<u8>,
    pub timeout: Duration,
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
            timeout: REQUEST_TIMEOUT,
        }
    }

    /// Shortens the timeout so that the request ends at the deadline.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.timeout = self
            .timeout
            .min(deadline.saturating_duration_since(Instant::now()));
        self
    }

    #[must_use]
    pub fn meant_for(mut self, incarnation: Option<Incarnation>) -> Self {
        self.meant_for = incarnation;
        self
    }
}

/// Timeout for a request. Before it answers, a leader polls the caller, and all members if one is
/// to be replaced. A node that finds no leader says so after 9 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer with any status.
#[derive(Clone, Debug)]
pub struct PeerResponse {
    pub status: u16,
    pub body: Vec<u8>,
    /// The node that answered knows this node's secret, or this node has none. An answer without
    /// proof is shown to operators and not acted on.
    pub proven: bool,
}

impl PeerResponse {
    /// Decodes the body.
    ///
    /// # Errors
    /// `NotOurs`: the body is not what a meta node would send.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PollError> {
        serde_json::from_slice(&self.body).map_err(|error| PollError::NotOurs(error.to_string()))
    }
}

/// Requests to other meta nodes. [`HttpExchange`](super::http::HttpExchange) sends them over HTTP,
/// simulations in memory. The implementation proves and checks secrets (founding.md 11).
pub trait Exchange: Send + Sync + 'static {
    /// Sends this node's identity to exactly this socket address and returns that of the other
    /// node.
    fn identity(
        &self,
        at: SocketAddr,
        host: &Address,
        ours: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>>;
    /// Sends any other request (founding.md 6 to 8) to one address of the name.
    fn ask(&self, to: &Address, ask: PeerRequest)
    -> BoxFuture<'_, Result<PeerResponse, PollError>>;
    /// Sends `POST /announce` to a member.
    fn announce(
        &self,
        to: &Address,
        announcement: Announcement,
    ) -> BoxFuture<'_, Result<(), PollError>>;
}
