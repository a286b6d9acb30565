//! What `cluster` asks of other nodes, as a seam: HTTP in the program, memory in simulations.

use std::net::SocketAddr;

use crate::base::Address;
use crate::runtime::net::BoxFuture;
use crate::wire::api::Announcement;
use crate::wire::identity::Identity;

/// How one poll of one address ended badly; `Display` is what the log and `show -v` say after `meta-2: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    #[error("name unknown")]
    NameUnknown,
    #[error("connection refused")]
    Refused,
    #[error("no answer in time")]
    Timeout,
    #[error("that is 8089, the Raft port; use 8091")]
    RaftPort,
    #[error("answers, but is not a meta node of ours ({0})")]
    NotOurs(String),
    #[error("an influxd-meta of another make answers there: it cannot be part of this cluster")]
    OtherMetaNode,
    #[error("wrong secret: internal-shared-secret differs")]
    WrongSecret,
    #[error("{0}")]
    Io(String),
}

impl PollError {
    /// Somebody answers there, and not as a founder may: a person must look (F4). Otherwise nobody does (F5).
    pub fn is_an_answer(&self) -> bool {
        match self {
            Self::RaftPort | Self::NotOurs(_) | Self::OtherMetaNode | Self::WrongSecret => true,
            Self::NameUnknown | Self::Refused | Self::Timeout | Self::Io(_) => false,
        }
    }
}

/// The one exchange of founding: our identity there, theirs back, from exactly this socket address.
/// `client` implements it over HTTP; simulations in memory. It proves and checks secrets (founding.md 11).
pub trait Exchange: Send + Sync + 'static {
    fn identity(
        &self,
        at: SocketAddr,
        host: &Address,
        ours: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>>;
    /// `POST /announce` to a member.
    fn announce(&self, to: &Address, announcement: Announcement) -> BoxFuture<'_, Result<(), PollError>>;
}
