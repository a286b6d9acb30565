//! Errors of calls, and whether a call may be repeated.

use std::io;

use crate::base::endpoint::{META_HTTP_PORT, META_RAFT_PORT};
use crate::base::{Address, AddressError};
use crate::runtime::net::LookupError;

/// Error of a call. `Display` follows a name: `meta-2:8091: connection refused`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The name gave no address.
    #[error("{0}")]
    Lookup(#[from] LookupError),
    /// The name look-up did not end in time. It goes on, and a later call has its result.
    #[error("the name look-up hangs")]
    LookupTimeout,
    #[error("connection refused")]
    Refused,
    #[error("no answer in time")]
    Timeout {
        /// Whether any of the request may have been sent.
        sent: bool,
    },
    #[error("that is {META_RAFT_PORT}, the Raft port; use {META_HTTP_PORT}")]
    RaftPort,
    /// Another service answers there.
    #[error("answers, but is no meta node of ours ({0})")]
    NotOurs(OtherService),
    #[error("an influxd-meta of another make answers there")]
    OtherMetaNode,
    #[error("wrong secret: internal-shared-secret differs")]
    WrongSecret,
    /// The connection could not be made, or broke.
    #[error("{text}")]
    Io {
        text: String,
        /// Whether any of the request was sent.
        sent: bool,
    },
    /// An answer with an error status; the text is the server's own.
    #[error("{error}")]
    Status { status: u16, error: String },
    /// A meta node of ours says that the request may have been executed, or may still be.
    #[error("{error}")]
    OutcomeUnknown { error: String },
    /// An answer with a good status and a body that cannot be read.
    #[error("unreadable answer: {0}")]
    Junk(#[from] Unreadable),
    /// Failure at the target of a redirect, not at the node that was called.
    #[error("redirected to {at}: {error}")]
    Elsewhere { at: Address, error: Box<CallError> },
    #[error("stopped after {0} redirects")]
    Redirects(usize),
    /// The request, or the target of a redirect, is not supported by this version.
    #[error("{0}")]
    Unsupported(#[from] Unsupported),
}

/// Services that answer where a meta node of this program was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtherService {
    #[error("a data node")]
    DataNode,
    #[error("it speaks TLS")]
    Tls,
    #[error("it does not speak HTTP")]
    NotHttp,
    #[error("HTTP {status} to {path}")]
    Status { status: u16, path: &'static str },
    /// A meta node of another version, with the text that it sent.
    #[error("{text}")]
    OtherVersion { text: String },
}

/// Answers that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not the JSON that was expected: the text of serde_json.
    #[error("{error}")]
    Json { error: String },
    #[error("HTTP {status} without a Location")]
    NoLocation { status: u16 },
    #[error("redirected to {location:?}")]
    Location { location: String },
    #[error("redirected to {location:?}: {error}")]
    LocationAddress {
        location: String,
        error: AddressError,
    },
}

/// Requests that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    #[error("redirected to {location}: TLS comes with a later version")]
    Https { location: String },
    /// A method, a path or a header that HTTP does not allow: the text of hyper.
    #[error("unfit request: {error}")]
    Request { error: String },
    /// A value that has no JSON: the text of serde_json.
    #[error("{error}")]
    Json { error: String },
}

impl CallError {
    /// A name that gave no address, without a name server that said so.
    pub const NAME_UNKNOWN: Self = Self::Lookup(LookupError::Unknown { server: None });

    /// Whether the same call may succeed a moment later. For a call that must not be executed
    /// twice, check [`Self::is_maybe_executed`] as well.
    pub fn is_retryable(&self) -> bool {
        match self {
            // Nodes that are starting: names appear, ports open, leaders are elected.
            Self::Lookup(_) | Self::LookupTimeout | Self::Refused => true,
            Self::Timeout { .. } | Self::Io { .. } | Self::OutcomeUnknown { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 502 | 503 | 504),
            // An operator must change something first.
            Self::RaftPort | Self::NotOurs(_) | Self::OtherMetaNode | Self::WrongSecret => false,
            Self::Junk(_) | Self::Redirects(_) | Self::Unsupported(_) => false,
            // The next leader may be one that answers.
            Self::Elsewhere { error, .. } => error.is_retryable(),
        }
    }

    /// Whether the other side may have executed the request.
    pub fn is_maybe_executed(&self) -> bool {
        match self {
            Self::Timeout { sent } | Self::Io { sent, .. } => *sent,
            // An original meta node may answer 503 for a command that is in its log.
            Self::Status { status, .. } => *status >= 500,
            Self::OutcomeUnknown { .. } => true,
            // The node answered success, but the answer cannot be read.
            Self::Junk(_) => true,
            // The node that redirected has not executed the request.
            Self::Elsewhere { error, .. } => error.is_maybe_executed(),
            Self::Lookup(_) | Self::LookupTimeout | Self::Refused => false,
            Self::RaftPort | Self::NotOurs(_) | Self::OtherMetaNode | Self::WrongSecret => false,
            Self::Redirects(_) | Self::Unsupported(_) => false,
        }
    }

    /// Error for a connection that could not be made.
    pub(super) fn from_dial(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Timeout { sent: false },
            _ => Self::Io {
                text: error.to_string(),
                sent: false,
            },
        }
    }
}
