//! The 8089 listener. It listens from the start of the process, and admits no Raft connection
//! before [`Transport::attach`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::conn::Conn;
use super::handshake;
use super::server::AttachedNode;
use super::unauthenticated::UnauthenticatedConnections;
use crate::raft::{Admission, Replica};
use crate::runtime::net::places::Place;
use crate::runtime::net::{AcceptFailures, Listener, Stream, concerns_one_connection};
use crate::runtime::{Env, TaskHandle};
use crate::wire::frames::{BANNER, Lane, MAGIC};

/// Timeout for the whole handshake, which is three small frames.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Delay after a failed accept, which mostly means too many open files. Long enough not to spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// How long and how much is read after the banner was sent. If the connection were closed with
/// unread input, the banner could be lost.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_LINGER_BYTES: u64 = 64 * 1024;

/// The 8089 listener, and what diallers need. Cheap to clone; dropping the last clone closes the
/// port.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<ListenerState>,
    /// Task of the listener. Dropping it ends every connection.
    _listener: Arc<TaskHandle<()>>,
}

struct ListenerState {
    env: Env,
    admission: Arc<dyn Admission>,
    local: SocketAddr,
    /// Raft node that receives the messages. `None` before it admits and after it is shut down.
    attached: watch::Sender<Option<Arc<AttachedNode>>>,
    unauthenticated: UnauthenticatedConnections,
}

impl Transport {
    /// Binds the port and starts listening.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn listen(
        env: &Env,
        bind: SocketAddr,
        admission: Arc<dyn Admission>,
    ) -> io::Result<Self> {
        let listener = env.net.listen(bind).await?;
        let shared = Arc::new(ListenerState {
            env: env.clone(),
            admission,
            local: listener.local(),
            attached: watch::Sender::new(None),
            unauthenticated: UnauthenticatedConnections::default(),
        });
        let task = env
            .tasks
            .spawn(accept_connections(shared.clone(), listener));
        Ok(Self {
            shared,
            _listener: Arc::new(task),
        })
    }

    pub fn local(&self) -> SocketAddr {
        self.shared.local
    }

    pub(in crate::raft) fn admission(&self) -> Arc<dyn Admission> {
        self.shared.admission.clone()
    }

    /// Accepts messages for this node from now on.
    pub(in crate::raft) fn attach(&self, attached: AttachedNode) {
        self.shared.attached.send_replace(Some(Arc::new(attached)));
    }

    /// Ends the connections to the attached node.
    pub(in crate::raft) fn detach(&self, me: &Replica) {
        self.shared.attached.send_if_modified(|attached| {
            let mine = attached.as_ref().is_some_and(|attached| attached.me == *me);
            if mine {
                *attached = None;
            }
            mine
        });
    }
}

/// Accepts connections. Errors do not end it: the port of a member stays open as long as the
/// process runs.
async fn accept_connections(shared: Arc<ListenerState>, mut listener: Box<dyn Listener>) {
    let mut connections: FuturesUnordered<TaskHandle<()>> = FuturesUnordered::new();
    let mut failures = AcceptFailures::default();
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            Some(_) = connections.next() => continue,
        };
        match accepted {
            Ok(stream) => match acquire(&shared, stream.peer().ip()) {
                Some(permit) => {
                    connections.push(shared.env.tasks.spawn(handle_connection(
                        shared.clone(),
                        stream,
                        permit,
                    )));
                }
                None => tracing::debug!(from = %stream.peer(), "8089: too many strangers, closed"),
            },
            Err(error) if concerns_one_connection(&error) => {
                tracing::debug!(%error, "8089: gone before accepted")
            }
            Err(error) => {
                if let Some(times) = failures.record() {
                    tracing::warn!(%error, times, "8089: cannot accept connections");
                }
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

fn acquire(shared: &ListenerState, from: IpAddr) -> Option<Place> {
    let is_member = shared.admission.is_member_address(from);
    shared.unauthenticated.acquire(from, is_member)
}

async fn handle_connection(shared: Arc<ListenerState>, stream: Box<dyn Stream>, permit: Place) {
    let from = stream.peer();
    let greeted = tokio::select! {
        biased;
        greeted = timeout(HANDSHAKE_TIMEOUT, establish(&shared, stream)) => greeted,
        () = permit.evicted() => {
            tracing::debug!(%from, "8089: closed, because newer connections need its place");
            return;
        }
    };
    let Ok(greeted) = greeted else {
        tracing::debug!(%from, "8089: no handshake in time");
        return;
    };
    drop(permit);
    match greeted {
        Ok(Some((conn, lane))) => serve(&shared, conn, lane, from).await,
        Ok(None) => {}
        Err(error) => tracing::debug!(%from, %error, "8089: no connection"),
    }
}

async fn establish(
    shared: &ListenerState,
    mut stream: Box<dyn Stream>,
) -> Result<Option<(Conn, Lane)>, handshake::HandshakeError> {
    let from = stream.peer().ip();
    if !read_magic(&mut stream)
        .await
        .map_err(super::conn::ConnError::Io)?
    {
        // A client that sends HTTP here has the wrong port; the banner says so.
        if let Err(error) = send_banner(&mut stream).await {
            tracing::debug!(%from, %error, "8089: banner not delivered");
        }
        return Ok(None);
    }
    let mut conn = Conn::new(stream);
    let open = || {
        shared
            .attached
            .borrow()
            .as_ref()
            .map(|attached| attached.me)
    };
    let env = &shared.env;
    let lane =
        handshake::respond(&mut conn, from, &shared.admission, env.rng.as_ref(), open).await?;
    Ok(Some((conn, lane)))
}

/// Reads the magic byte by byte: a client of another protocol may send fewer bytes and then wait.
async fn read_magic(stream: &mut Box<dyn Stream>) -> io::Result<bool> {
    for expected in MAGIC {
        if stream.read_u8().await? != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn send_banner(stream: &mut Box<dyn Stream>) -> io::Result<()> {
    stream.write_all(BANNER).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(MAX_LINGER_BYTES);
    drop(
        timeout(
            LINGER_TIMEOUT,
            tokio::io::copy(&mut rest, &mut tokio::io::sink()),
        )
        .await,
    );
    Ok(())
}

/// Serves until the connection ends or the Raft node is detached.
async fn serve(shared: &ListenerState, mut conn: Conn, lane: Lane, from: SocketAddr) {
    let mut attached = shared.attached.subscribe();
    let Some(raft) = attached.borrow_and_update().clone() else {
        return;
    };
    tokio::select! {
        biased;
        _ = attached.changed() => {}
        ended = super::server::serve(&mut conn, lane, &raft) => {
            if let Err(error) = ended {
                tracing::debug!(%from, %error, ?lane, "8089: connection ended");
            }
        }
    }
}
