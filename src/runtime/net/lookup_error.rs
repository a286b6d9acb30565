//! Errors of a name look-up.

use std::fmt;
use std::net::SocketAddr;

/// Reason why a name gave no address. `Display` follows the name: `meta-2: name unknown`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The name does not exist or has no address. `server` is the name server that said so; `None`:
    /// no server was asked.
    #[error("name unknown{}", To(.server.as_ref()))]
    Unknown { server: Option<SocketAddr> },
    /// The last name server that was asked answered with a failure, which says nothing about the
    /// name.
    #[error("the name server {} cannot say: {failure}", Server(server))]
    Failed {
        server: SocketAddr,
        failure: ServerFailure,
    },
    /// No name server answered. `server` is the last one that was asked.
    #[error("no answer from the name server {}", Server(server))]
    TimedOut { server: SocketAddr },
    /// The maximum number of look-ups is in flight.
    #[error("too many name look-ups are in flight")]
    Busy,
    /// The look-up ended without a result: a bug.
    #[error("the name look-up was broken off")]
    BrokenOff,
}

/// Reason why a name server gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerFailure {
    #[error("no answer in time")]
    Timeout,
    /// A response code other than success and "no such name".
    #[error("it answers {0}")]
    Code(&'static str),
    /// No connection, or one that broke: the text of the operating system.
    #[error("{0}")]
    Io(String),
    #[error("its answer cannot be read")]
    Unreadable,
}

impl LookupError {
    /// Whether the name does not exist, as opposed to a look-up that failed.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// Port of name servers; texts leave it out.
const DNS_PORT: u16 = 53;

struct Server<'a>(&'a SocketAddr);

impl fmt::Display for Server<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            DNS_PORT => self.0.ip().fmt(f),
            _ => self.0.fmt(f),
        }
    }
}

struct To<'a>(Option<&'a SocketAddr>);

impl fmt::Display for To<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(server) => write!(f, " to the name server {}", Server(server)),
            None => Ok(()),
        }
    }
}
