//! The real network.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::{BoxFuture, Listener, Net, Stream};
use crate::runtime::lock;

/// A hanging resolver must not eat the thread pool; four keep one slow answer from blocking the
/// next try.
pub const MAX_LOOKUPS_PER_NAME: usize = 4;

/// The real network.
#[derive(Default)]
pub struct System {
    /// Look-ups in flight per name. Held for a few instructions, never across an await.
    lookups: Arc<Mutex<HashMap<String, usize>>>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the network that all others use"
)]
impl Net for System {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            if let Ok(ip) = host.parse::<IpAddr>() {
                return Ok(vec![SocketAddr::new(ip, port)]);
            }
            let slot = Lookup::start(&self.lookups, host)?;
            let name = host.to_owned();
            // The slot goes with the look-up, not with its caller: an abandoned one still occupies
            // a thread.
            let lookup = tokio::task::spawn_blocking(move || {
                let _slot = slot;
                (name.as_str(), port)
                    .to_socket_addrs()
                    .map(Iterator::collect)
            });
            lookup.await.map_err(io::Error::other)?
        })
    }

    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            tune(&stream)?;
            give_up_on_the_silent(&stream)?;
            Ok(Box::new(Tcp {
                peer: address,
                stream,
            }) as Box<dyn Stream>)
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let listener = TcpListener::bind(address).await?;
            Ok(Box::new(Bound {
                local: listener.local_addr()?,
                listener,
            }) as Box<dyn Listener>)
        })
    }
}

/// One place among the look-ups of a name, given back when dropped.
struct Lookup {
    name: String,
    all: Arc<Mutex<HashMap<String, usize>>>,
}

impl Lookup {
    fn start(all: &Arc<Mutex<HashMap<String, usize>>>, name: &str) -> io::Result<Self> {
        let mut counts = lock(all);
        let count = counts.entry(name.to_owned()).or_default();
        if *count >= MAX_LOOKUPS_PER_NAME {
            let text = format!("{count} look-ups of {name} still hang");
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        *count += 1;
        Ok(Self {
            name: name.to_owned(),
            all: all.clone(),
        })
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        let mut counts = lock(&self.all);
        if let Some(count) = counts.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.name);
            }
        }
    }
}

/// A dead peer is noticed without traffic of ours, and small frames leave at once.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_INTERVAL)
        .with_interval(KEEPALIVE_INTERVAL);
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Well below the idle limits of NAT tables and load balancers (minutes), well above any chatter.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// What we sent and nobody acknowledges, and probes that nobody answers, end a connection that we
/// made: a host that vanished is noticed soon also where an answer may take hours, as the copy of a
/// shard does.
#[cfg(target_os = "linux")]
fn give_up_on_the_silent(stream: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(SILENCE_TIMEOUT))
}

/// The system's own patience: a quarter of an hour as a rule.
#[cfg(not(target_os = "linux"))]
fn give_up_on_the_silent(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Four probes. A machine that is paused for less, and a network that is repaired within it, break
/// nothing.
#[cfg(target_os = "linux")]
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

struct Bound {
    local: SocketAddr,
    listener: TcpListener,
}

impl Listener for Bound {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let (stream, peer) = self.listener.accept().await?;
            // What is refused there is a connection that has ended already.
            tune(&stream)
                .map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
            Ok(Box::new(Tcp { peer, stream }) as Box<dyn Stream>)
        })
    }
}

struct Tcp {
    peer: SocketAddr,
    stream: TcpStream,
}

impl Stream for Tcp {
    /// An IPv4 address as itself, also where the socket is of IPv6: people read it.
    fn peer(&self) -> SocketAddr {
        SocketAddr::new(self.peer.ip().to_canonical(), self.peer.port())
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The kernel does the rest; that it is asked to is all that can be seen from here.
    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the socket itself is looked at")]
    async fn a_dialled_connection_does_not_wait_for_a_host_that_vanished() {
        let mut listener = System::default()
            .listen(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a port");
        let stream = TcpStream::connect(listener.local())
            .await
            .expect("connects");
        listener.accept().await.expect("accepts");
        tune(&stream)
            .and_then(|()| give_up_on_the_silent(&stream))
            .expect("options of TCP");
        let socket = socket2::SockRef::from(&stream);
        assert_eq!(
            socket.tcp_user_timeout().expect("an option"),
            Some(SILENCE_TIMEOUT)
        );
        assert!(socket.keepalive().expect("an option"));
    }
}
