//! Dials a member at every address that it may have. Each name is resolved again; the first that
//! proves to be the member is used.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::AsyncWriteExt;
use tokio::sync::SetOnce;
use tokio::time::timeout;

use super::conn::{Conn, ConnError};
use super::handshake::{self, HandshakeError};
use crate::base::Address;
use crate::raft::{Admission, HandshakeRefusal, Replica};
use crate::runtime::Env;
use crate::runtime::net::LookupError;
use crate::wire::frames::{Hello, Lane, MAGIC, VERSIONS};

/// Timeout for name resolution, connection and handshake together: a few round trips. A slower
/// member is dialled again.
const DIAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Reasons why there is no connection to a member.
#[derive(Debug, thiserror::Error)]
pub(in crate::raft) enum DialError {
    #[error("this node has no identity to show")]
    NoIdentity,
    #[error("Raft is not open here yet")]
    NotOpen,
    #[error("this node is stopping")]
    Stopping,
    #[error("no address is known")]
    NoAddress,
    #[error("no answer in {0:?}")]
    Late(Duration),
    #[error("{address}: {source}")]
    Resolve {
        address: Address,
        source: LookupError,
    },
    #[error("{at}: {source}")]
    Connect { at: SocketAddr, source: io::Error },
    #[error("{at}: {source}")]
    Handshake {
        at: SocketAddr,
        source: HandshakeError,
    },
}

impl DialError {
    pub(super) fn refusal(&self) -> Option<&HandshakeRefusal> {
        match self {
            Self::Handshake {
                source: HandshakeError::Refused(refusal),
                ..
            } => Some(refusal),
            _ => None,
        }
    }

    /// Priority of a failure. If several dials fail, the most specific failure is reported.
    fn priority(&self) -> u8 {
        match self {
            Self::Handshake {
                source: HandshakeError::Refused(HandshakeRefusal::NotMe),
                ..
            } => 4,
            Self::Handshake { .. } => 5,
            Self::Connect { .. } => 3,
            Self::Late(_) => 2,
            Self::Resolve { .. } => 1,
            Self::NoIdentity | Self::NotOpen | Self::Stopping | Self::NoAddress => 0,
        }
    }
}

pub(super) struct Dialer {
    env: Env,
    admission: Arc<dyn Admission>,
    me: Replica,
    /// Set when this node may send and receive Raft messages.
    admitted: Arc<SetOnce<()>>,
}

impl Dialer {
    pub(super) fn new(
        env: Env,
        admission: Arc<dyn Admission>,
        me: Replica,
        admitted: Arc<SetOnce<()>>,
    ) -> Self {
        Self {
            env,
            admission,
            me,
            admitted,
        }
    }

    pub(super) fn me(&self) -> &Replica {
        &self.me
    }

    pub(super) fn admission(&self) -> &dyn Admission {
        self.admission.as_ref()
    }

    pub(super) async fn dial(&self, receiver: Replica, lane: Lane) -> Result<Conn, DialError> {
        // Safety order: the id of this start is on disk before it is sent on 8089
        // (founding.md 7.7). Sent first, it could be lost in a crash, and the next start would look
        // like a restored volume to members that saw it. So wait for `admitted` first, and only
        // then read the identity that is sent.
        timeout(DIAL_TIMEOUT, self.admitted.wait())
            .await
            .map_err(|_| DialError::NotOpen)?;
        let hello = self.hello(receiver, lane)?;
        let addresses = self.admission.addresses(receiver.raft_id);
        let attempts = addresses
            .iter()
            .map(|address| self.dial_name(address, &hello));
        timeout(DIAL_TIMEOUT, first_success(attempts))
            .await
            .map_err(|_| DialError::Late(DIAL_TIMEOUT))?
    }

    fn hello(&self, receiver: Replica, lane: Lane) -> Result<Hello, DialError> {
        let (_, sender_http, starts) = self.admission.me().ok_or(DialError::NoIdentity)?;
        let versions = (*VERSIONS.start(), *VERSIONS.end());
        Ok(Hello {
            versions,
            lane,
            sender: self.me,
            sender_http,
            receiver,
            starts,
            nonce: [0; 32],
        })
    }

    /// Dials a name. A name may lead to several nodes, for instance with two stacks on one network:
    /// all are dialled at once.
    async fn dial_name(&self, address: &Address, hello: &Hello) -> Result<Conn, DialError> {
        let found = self.env.net.resolve(address.host(), address.port()).await;
        let found = found.map_err(|source| DialError::Resolve {
            address: address.clone(),
            source,
        })?;
        first_success(
            found
                .into_iter()
                .map(|at| self.dial_addr(at, hello.clone())),
        )
        .await
    }

    async fn dial_addr(&self, at: SocketAddr, mut hello: Hello) -> Result<Conn, DialError> {
        hello.nonce = handshake::nonce(self.env.rng.as_ref());
        let connect = |source| DialError::Connect { at, source };
        let mut stream = self.env.net.dial(at).await.map_err(connect)?;
        stream.write_all(&MAGIC).await.map_err(connect)?;
        let mut conn = Conn::new(stream);
        match handshake::initiate(&mut conn, hello, &self.admission).await {
            Ok(()) => Ok(conn),
            // Bytes that are no frame come from another program that listens there.
            Err(HandshakeError::Conn(ConnError::TooLarge { .. } | ConnError::Frame(_))) => {
                Err(connect(io::Error::other(
                    "answers, but not as a meta node's Raft port",
                )))
            }
            Err(source) => Err(DialError::Handshake { at, source }),
        }
    }
}

/// Returns the first success of attempts that run at the same time; otherwise the failure with the
/// highest priority.
async fn first_success<F>(attempts: impl Iterator<Item = F>) -> Result<Conn, DialError>
where
    F: Future<Output = Result<Conn, DialError>>,
{
    let mut running: FuturesUnordered<F> = attempts.collect();
    let mut worst = DialError::NoAddress;
    while let Some(done) = running.next().await {
        match done {
            Ok(conn) => return Ok(conn),
            Err(error) if error.priority() >= worst.priority() => worst = error,
            Err(_) => {}
        }
    }
    Err(worst)
}
