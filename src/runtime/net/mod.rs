//! Sockets and name look-ups.

mod accept;
mod lookup_error;
pub mod memory;
pub mod places;
mod resolver;
mod system;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

pub use accept::{AcceptFailures, concerns_one_connection, is_out_of_files};
pub use lookup_error::{LookupError, ServerFailure};
pub use system::System;

/// A boxed future, as object-safe async traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn peer(&self) -> SocketAddr;
}

/// A listening socket.
pub trait Listener: Send + 'static {
    fn local(&self) -> SocketAddr;
    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
}

/// The network. Callers set their own deadlines.
pub trait Net: Send + Sync + 'static {
    /// All addresses of a host, resolved anew at each call: addresses of containers change. While a
    /// look-up is slow, the last addresses are used. A look-up goes on when the caller stops
    /// waiting, and serves the next call.
    ///
    /// # Errors
    /// The name is unknown, or the look-up failed.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, LookupError>>;
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>>;
}

/// Priority of an error of [`Net::dial`] among those of several addresses of one name; the highest
/// is reported. An address of a family that this host does not have says nothing about the other
/// node: in a container without IPv6 `localhost` leads to `::1` too. A refusal says that no program
/// listens at one address; any other failure at another address may hide a node.
pub fn dial_error_priority(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::Unsupported => 1,
        _ if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => 1,
        io::ErrorKind::ConnectionRefused => 2,
        _ => 3,
    }
}
