//! Frames: types and lengths.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Call, CallOutcome, DataNodeResponse, RpcFrameError};

/// First byte of a connection for calls. Data nodes pass other first bytes to other services.
pub const MUX: u8 = 0x02;

/// Length of type and length fields.
pub const HEADER_BYTES: usize = 9;

/// Bodies are shorter than this. Data nodes read no longer ones.
pub const MAX_BODY_BYTES: i64 = 1 << 30;

/// Calls that a meta node makes. Data nodes make other calls to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    CopyShard,
    RemoveShard,
    ListShards,
    JoinCluster,
    LeaveCluster,
    RemoveHintedHandoff,
}

impl MessageType {
    pub const ALL: [Self; 6] = [
        Self::CopyShard,
        Self::RemoveShard,
        Self::ListShards,
        Self::JoinCluster,
        Self::LeaveCluster,
        Self::RemoveHintedHandoff,
    ];

    /// Returns the type byte of a request.
    pub const fn request(self) -> u8 {
        match self {
            Self::CopyShard => 33,
            Self::RemoveShard => 35,
            Self::ListShards => 37,
            Self::JoinCluster => 39,
            Self::LeaveCluster => 41,
            Self::RemoveHintedHandoff => 43,
        }
    }

    /// Returns the type byte of the answer.
    pub const fn answer(self) -> u8 {
        self.request() + 1
    }

    /// Returns the call whose request starts with this byte.
    pub fn of_request(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.request() == byte)
    }

    /// Returns whether a request has length and body after its type.
    pub const fn has_body(self) -> bool {
        !matches!(self, Self::ListShards | Self::LeaveCluster)
    }
}

/// The name that data nodes' logs and operators use.
impl std::fmt::Display for MessageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Type and length of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcHeader {
    pub kind: u8,
    pub length: usize,
}

impl RpcHeader {
    /// # Errors
    /// [`RpcFrameError::TooLong`], also for a length below zero.
    pub fn decode(bytes: [u8; HEADER_BYTES]) -> Result<Self, RpcFrameError> {
        let [kind, length @ ..] = bytes;
        let length = i64::from_be_bytes(length);
        match usize::try_from(length) {
            Ok(fits) if length < MAX_BODY_BYTES => Ok(Self { kind, length: fits }),
            _ => Err(RpcFrameError::TooLong(length)),
        }
    }

    /// # Errors
    /// [`RpcFrameError::Kind`] when this is not the answer to that call.
    pub fn answers(self, call: MessageType) -> Result<Self, RpcFrameError> {
        let due = call.answer();
        if self.kind == due {
            Ok(self)
        } else {
            Err(RpcFrameError::Kind {
                found: self.kind,
                due,
            })
        }
    }
}

/// Encodes a request, including [`MUX`].
///
/// # Errors
/// [`RpcFrameError::TooLong`]: no data node would read the request.
pub fn request<C: Call>(call: &C) -> Result<Bytes, RpcFrameError> {
    let mut bytes = BytesMut::new();
    bytes.put_u8(MUX);
    if C::KIND.has_body() {
        put(C::KIND.request(), &call.encode(), &mut bytes)?;
    } else {
        bytes.put_u8(C::KIND.request());
    }
    Ok(bytes.freeze())
}

/// Encodes an answer.
///
/// # Errors
/// [`RpcFrameError::TooLong`]: no meta node would read the answer.
pub fn answer<C: Call>(outcome: &CallOutcome<C::Answer>) -> Result<Bytes, RpcFrameError> {
    let mut bytes = BytesMut::new();
    put(C::KIND.answer(), &C::Answer::encode(outcome), &mut bytes)?;
    Ok(bytes.freeze())
}

fn put(kind: u8, body: &[u8], bytes: &mut BytesMut) -> Result<(), RpcFrameError> {
    let length = i64::try_from(body.len()).unwrap_or(i64::MAX);
    if length >= MAX_BODY_BYTES {
        return Err(RpcFrameError::TooLong(length));
    }
    bytes.reserve(HEADER_BYTES + body.len());
    bytes.put_u8(kind);
    bytes.put_i64(length);
    bytes.put_slice(body);
    Ok(())
}
