//! One end of a connection in memory.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::world::{PipeId, World};
use crate::runtime::lock;
use crate::runtime::net::Stream;

/// As much as a socket's buffers hold before writers must wait.
const WINDOW_BYTES: usize = 256 * 1024;

pub(super) struct Connection {
    world: Arc<Mutex<World>>,
    peer: SocketAddr,
    incoming: PipeId,
    outgoing: PipeId,
    /// Runs until the chunk in front arrives.
    arrival: Option<Pin<Box<Sleep>>>,
}

/// What the front of a pipe is, for its reader.
enum Front {
    Bytes,
    End,
    Due(Instant),
    Nothing,
    Reset,
}

impl Connection {
    pub(super) fn new(
        world: Arc<Mutex<World>>,
        peer: SocketAddr,
        incoming: PipeId,
        outgoing: PipeId,
    ) -> Self {
        Self {
            world,
            peer,
            incoming,
            outgoing,
            arrival: None,
        }
    }

    fn front(&self, cx: &Context<'_>) -> Front {
        let mut world = lock(&self.world);
        let Some(pipe) = world.pipes.get(&self.incoming) else {
            return Front::Reset;
        };
        let cut = world.is_cut(pipe.from, pipe.to);
        let front = match pipe.chunks.front() {
            _ if pipe.reset => Front::Reset,
            Some((due, _)) if !cut && *due > Instant::now() => Front::Due(*due),
            Some((_, chunk)) if !cut && chunk.is_empty() => Front::End,
            Some(_) if !cut => Front::Bytes,
            _ => Front::Nothing,
        };
        if let Some(pipe) = world.pipes.get_mut(&self.incoming) {
            pipe.reader = Some(cx.waker().clone());
        }
        front
    }

    fn take(&self, buf: &mut ReadBuf<'_>) {
        let mut world = lock(&self.world);
        let Some(pipe) = world.pipes.get_mut(&self.incoming) else {
            return;
        };
        let Some((_, chunk)) = pipe.chunks.front_mut() else {
            return;
        };
        let taken = chunk.len().min(buf.remaining());
        buf.put_slice(&chunk[..taken]);
        chunk.advance(taken);
        if chunk.is_empty() {
            pipe.chunks.pop_front();
        }
        pipe.held -= taken;
        pipe.writer
            .take()
            .into_iter()
            .for_each(std::task::Waker::wake);
    }

    fn end(&self) {
        let mut world = lock(&self.world);
        let Some(pipe) = world.pipes.get_mut(&self.outgoing) else {
            return;
        };
        if !pipe.writer_gone {
            pipe.writer_gone = true;
            world.send(self.outgoing, Bytes::new());
        }
    }
}

impl Stream for Connection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.front(cx) {
                Front::Bytes => {
                    self.take(buf);
                    return Poll::Ready(Ok(()));
                }
                Front::End => return Poll::Ready(Ok(())),
                Front::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Front::Nothing => return Poll::Pending,
                Front::Due(due) => {
                    let arrival = self
                        .arrival
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
                    if arrival.deadline() != due {
                        arrival.as_mut().reset(due);
                    }
                    ready!(arrival.as_mut().poll(cx));
                }
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut world = lock(&self.world);
        let Some(pipe) = world.pipes.get_mut(&self.outgoing) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let (from, to) = (pipe.from, pipe.to);
        if pipe.reset || pipe.writer_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if pipe.held >= WINDOW_BYTES {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let gone = pipe.reader_gone;
        // Behind a cut nobody can tell us that the reader has gone.
        if gone && !world.is_cut_either_way(from, to) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = buf.len().min(WINDOW_BYTES);
        world.send(self.outgoing, Bytes::copy_from_slice(&buf[..taken]));
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
        let mut world = lock(&self.world);
        if let Some(pipe) = world.pipes.get_mut(&self.incoming) {
            pipe.reader_gone = true;
            pipe.wake();
        }
        world.drop_if_unused(self.incoming);
        world.drop_if_unused(self.outgoing);
    }
}
