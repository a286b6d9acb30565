//! Open connections, which can be closed from outside: threads that wait on one notice it at once.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
pub struct Sockets(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    closed: bool,
    last: u64,
    streams: HashMap<u64, TcpStream>,
}

/// A connection that [`Sockets::hang_up`] can close.
pub struct Socket {
    stream: TcpStream,
    id: u64,
    all: Sockets,
}

impl Sockets {
    pub fn keep(&self, stream: TcpStream) -> io::Result<Socket> {
        let mut open = self.0.lock().expect("no panic");
        if open.closed {
            return Err(io::ErrorKind::NotConnected.into());
        }
        stream.set_nodelay(true)?;
        open.last += 1;
        let id = open.last;
        open.streams.insert(id, stream.try_clone()?);
        Ok(Socket {
            stream,
            id,
            all: self.clone(),
        })
    }

    /// Closes every present connection.
    pub fn hang_up(&self) {
        for stream in self.0.lock().expect("no panic").streams.values() {
            // The other side may have closed it already.
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }

    /// Closes every connection, also future ones.
    pub fn close(&self) {
        self.0.lock().expect("no panic").closed = true;
        self.hang_up();
    }
}

impl Socket {
    /// Whether the other side has closed the connection, or sent something without a request.
    pub fn is_stale(&self) -> bool {
        let mut byte = [0];
        let peeked = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.peek(&mut byte));
        let quiet = matches!(&peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        !quiet || self.stream.set_nonblocking(false).is_err()
    }

    pub fn tcp(&self) -> &TcpStream {
        &self.stream
    }
}

/// A socket, or TLS on one.
pub trait Duplex: Read + Write {}

impl<T: Read + Write> Duplex for T {}

/// TLS on a socket; sends a close notification when it is closed, as Go does.
pub struct Secured(rustls::StreamOwned<rustls::ServerConnection, Socket>);

impl Secured {
    pub fn new(config: Arc<rustls::ServerConfig>, socket: Socket) -> io::Result<Self> {
        let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self(rustls::StreamOwned::new(connection, socket)))
    }
}

impl Read for Secured {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Secured {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        self.0.conn.send_close_notify();
        // A peer that has gone does not get it.
        let _gone = self.0.conn.write_tls(&mut self.0.sock);
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf)
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.all
            .0
            .lock()
            .expect("no panic")
            .streams
            .remove(&self.id);
    }
}
