//! Errors of calls: the node, the call, and the cause.

use crate::base::Address;
use crate::base::endpoint::{DATA_RPC_PORT, META_RAFT_PORT};
use crate::client::{self, CallError, Unreadable};
use crate::tls::TlsHandshakeError;
use crate::wire::data_node::{MessageType, RpcFrameError};

/// A failed call: `RemoveShard at d1:8088: connection refused`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{asked} at {at}: {why}")]
pub struct Failed {
    pub at: Address,
    pub asked: Asked,
    pub why: FailureCause,
}

/// Kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Call(MessageType),
    /// `GET /status`.
    Status,
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(kind) => kind.fmt(f),
            Self::Status => f.write_str("/status"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FailureCause {
    /// The connection failed, so nothing was sent.
    #[error("{0}")]
    Unreached(CallError),
    /// The TLS handshake failed, so nothing was sent.
    #[error("{0}{hint}", hint = tls_hint(.0))]
    Tls(TlsHandshakeError),
    /// Error text of the data node itself.
    #[error("{0}")]
    Said(String),
    /// An answer to `/status` with an error status.
    #[error("{error}")]
    Status { status: u16, error: String },
    #[error("no answer in time")]
    Timeout,
    /// The connection ended or broke: `read message type: EOF`.
    #[error("{doing}: {text}")]
    Broken { doing: &'static str, text: String },
    /// Another kind of server answers there; the text says which, and what to change.
    #[error("{0}")]
    NotADataNode(OtherService),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// An answer that cannot be read.
    #[error("unreadable answer: {0}")]
    Unreadable(UnreadableAnswer),
    /// A request that cannot be encoded.
    #[error("unfit request: {0}")]
    Unfit(RpcFrameError),
}

/// Services that answer where a data node was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtherService {
    #[error(
        "that is {META_RAFT_PORT}, the Raft port of a meta node; use the data node's \
         {DATA_RPC_PORT}"
    )]
    RaftPort,
    #[error(
        "it speaks HTTP there, not a data node's protocol: use the port of its bind-address, \
         {DATA_RPC_PORT}"
    )]
    Http,
    #[error("it speaks TLS there: set data-use-tls")]
    Tls,
    #[error("that is no data node: its nodeType is {node_type:?}")]
    NodeType { node_type: String },
    #[error("that is no data node: {0}")]
    NoNode(client::OtherService),
    /// Other failures of `GET /status`.
    #[error("{0}")]
    Call(CallError),
}

/// Answers that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableAnswer {
    #[error("{0}")]
    Frame(#[from] RpcFrameError),
    #[error("{0}")]
    Status(Unreadable),
    #[error("it names no tcpAddr")]
    NoTcpAddr,
}

impl From<RpcFrameError> for FailureCause {
    fn from(error: RpcFrameError) -> Self {
        Self::Unreadable(error.into())
    }
}

impl Failed {
    /// Text for the body of an answer to an operator. A data node's own text is passed on
    /// unchanged.
    pub fn text(&self) -> String {
        match &self.why {
            FailureCause::Said(words) => words.clone(),
            _ => self.to_string(),
        }
    }
}

impl FailureCause {
    /// Whether the data node answered with exactly this error.
    pub fn is_said(&self, words: &str) -> bool {
        matches!(self, Self::Said(text) if text == words)
    }

    /// Whether the data node may have executed the call, or may still do so.
    pub fn is_maybe_done(&self) -> bool {
        match self {
            Self::Timeout | Self::Broken { .. } | Self::TooLarge(_) | Self::Unreadable(_) => true,
            Self::Unreached(_) | Self::Tls(_) | Self::Said(_) | Self::Status { .. } => false,
            Self::NotADataNode(_) | Self::Unfit(_) => false,
        }
    }

    /// Whether the same call may succeed a moment later, if it may be executed twice.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreached(error) => error.is_retryable(),
            Self::Tls(error) => error.is_retryable(),
            Self::Timeout | Self::Broken { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            // An operator must change something first.
            Self::Said(_)
            | Self::NotADataNode(_)
            | Self::TooLarge(_)
            | Self::Unreadable(_)
            | Self::Unfit(_) => false,
        }
    }
}

/// Advice on what to change.
fn tls_hint(error: &TlsHandshakeError) -> &'static str {
    match error {
        TlsHandshakeError::NotTls => {
            ": unset data-use-tls, or set https-enabled in its [coordinator]"
        }
        TlsHandshakeError::Certificate(_) => {
            "; the authority's certificate belongs into the file that SSL_CERT_FILE names, \
             and data-insecure-tls believes anyone"
        }
        TlsHandshakeError::Name(_) | TlsHandshakeError::Failed(_) => "",
    }
}
