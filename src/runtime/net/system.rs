//! The real network.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::resolver::Resolver;
use super::{BoxFuture, Listener, LookupError, Net, Stream};

/// The real network.
#[derive(Default)]
pub struct System {
    resolver: Resolver,
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
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, LookupError>> {
        Box::pin(async move {
            let found = self.resolver.resolve(host).await?;
            Ok(found
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect())
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

/// Lets the kernel notice a dead peer without traffic, and send small frames at once.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_INTERVAL)
        .with_interval(KEEPALIVE_INTERVAL);
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Interval of keepalive probes: well below the idle limits of NAT tables and load balancers, which
/// are minutes, and long enough to cause little traffic.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Ends a connection that we dialled if data or probes that we sent stay unacknowledged for
/// [`SILENCE_TIMEOUT`]. A host that vanished is noticed soon, even where an answer may take hours,
/// such as the copy of a shard.
#[cfg(target_os = "linux")]
fn give_up_on_the_silent(stream: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(SILENCE_TIMEOUT))
}

/// The system's own timeout applies: a quarter of an hour as a rule.
#[cfg(not(target_os = "linux"))]
fn give_up_on_the_silent(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Time of four probes. A shorter pause of the machine, or a network that is repaired within it,
/// breaks no connection.
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
            // Setting options fails only for a connection that has ended already.
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
    /// Address of the peer. An IPv4 address is written as such, also if the socket is an IPv6 one,
    /// because operators read it.
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

    /// The test can only see that the kernel was asked to do it.
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
