//! A connection that transports frames.

use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_util::codec::{Decoder, Encoder, Framed};

use super::limits::{CHUNK_BYTES, WRITE_TIMEOUT};
use super::liveness::Liveness;
use crate::raft::types::MembershipError;
use crate::runtime::net::Stream;
use crate::wire::frames::{self, Frame, FrameError, LENGTH_BYTES, Lane};

/// Maximum frame of a handshake or of control traffic. They have a few hundred bytes.
const MAX_SMALL_FRAME_BYTES: usize = 64 * 1024;
/// Maximum frame of append requests. One holds a single proposal of the largest size, or about 1
/// MiB of smaller ones.
const MAX_APPEND_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// Maximum frame of a snapshot: a chunk, and what surrounds it.
const MAX_CHUNK_FRAME_BYTES: usize = 2 * CHUNK_BYTES;

/// Reasons why a connection cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub(in crate::raft) enum ConnError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("a frame of {len} bytes where at most {max} are allowed")]
    TooLarge { len: usize, max: usize },
    #[error("closed by the other side")]
    Closed,
    #[error("no answer in {0:?}")]
    Late(Duration),
    #[error("an unexpected frame")]
    Unexpected,
    #[error("proofs of internal-shared-secret are required by now, and this connection has none")]
    Unproven,
    /// The text is the other node's.
    #[error("the other side cannot go on: {0}")]
    Failed(String),
    /// The other node has no room for what was sent.
    #[error("the other side has a full disk")]
    Full,
    #[error("the other side cannot go on: {0}")]
    Membership(#[from] MembershipError),
    #[error("the other side cannot go on: a snapshot of {bytes} bytes")]
    SnapshotTooLarge { bytes: u64 },
}

/// Frames over any stream. Reading is cancel-safe. A half-written frame makes the connection
/// useless, so a caller that drops a [`Conn::send`] must drop the connection.
pub(in crate::raft) struct Conn {
    pub(super) framed: Framed<Box<dyn Stream>, Codec>,
}

impl Conn {
    /// Creates a connection for the handshake. [`Conn::enter_lane`] allows the larger frames of a
    /// lane.
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            framed: Framed::new(
                stream,
                Codec {
                    max: MAX_SMALL_FRAME_BYTES,
                    liveness: None,
                },
            ),
        }
    }

    /// Allows the frames of a lane. From now on each frame reports that the member of `liveness` is
    /// alive.
    pub(super) fn enter_lane(&mut self, lane: Lane, liveness: Liveness) {
        let codec = self.framed.codec_mut();
        codec.liveness = Some(liveness);
        codec.max = match lane {
            Lane::Append => MAX_APPEND_FRAME_BYTES,
            Lane::Control => MAX_SMALL_FRAME_BYTES,
            Lane::Snapshot => MAX_CHUNK_FRAME_BYTES,
        };
    }

    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), ConnError> {
        within(WRITE_TIMEOUT, self.framed.send(frame)).await?
    }

    /// Returns the next frame.
    ///
    /// # Errors
    /// The connection has ended or is broken.
    pub(super) async fn next(&mut self) -> Result<Frame, ConnError> {
        self.framed.next().await.ok_or(ConnError::Closed)?
    }

    pub(super) async fn next_within(&mut self, wait: Duration) -> Result<Frame, ConnError> {
        within(wait, self.next()).await?
    }

    /// Returns whether nothing has arrived, not even the end. An idle connection whose peer has
    /// gone has the end to read.
    pub(super) fn has_no_input(&mut self) -> bool {
        self.framed.next().now_or_never().is_none()
    }
}

/// Returns the output of `future`, or [`ConnError::Late`] if it takes longer than `wait`.
pub(super) async fn within<T>(
    wait: Duration,
    future: impl Future<Output = T>,
) -> Result<T, ConnError> {
    timeout(wait, future)
        .await
        .map_err(|_| ConnError::Late(wait))
}

pub(super) struct Codec {
    max: usize,
    /// Liveness of the member that proved its identity.
    liveness: Option<Liveness>,
}

impl Decoder for Codec {
    type Item = Frame;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, ConnError> {
        let Some(head) = src.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let len = u32::from_be_bytes(*head) as usize;
        // Checked before anything is allocated for the frame.
        if len > self.max {
            return Err(ConnError::TooLarge { len, max: self.max });
        }
        if src.len() < LENGTH_BYTES + len {
            src.reserve(LENGTH_BYTES + len - src.len());
            return Ok(None);
        }
        src.advance(LENGTH_BYTES);
        let frame = frames::decode(src.split_to(len).freeze())?;
        if let Some(liveness) = &mut self.liveness {
            if !liveness.may_speak() {
                return Err(ConnError::Unproven);
            }
            liveness.on_frame();
        }
        Ok(Some(frame))
    }
}

impl Encoder<Frame> for Codec {
    type Error = ConnError;

    fn encode(&mut self, frame: Frame, out: &mut BytesMut) -> Result<(), ConnError> {
        frames::encode(&frame, out);
        Ok(())
    }
}
