//! Sockets and name look-ups.

pub mod memory;
mod system;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

pub use system::{MAX_LOOKUPS_PER_NAME, System};

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
    /// All addresses of a host, resolved anew at each call: addresses of containers change.
    ///
    /// # Errors
    /// The name is unknown; or `ResourceBusy` while [`MAX_LOOKUPS_PER_NAME`] look-ups of this name
    /// hang.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>>;
}
