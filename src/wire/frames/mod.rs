//! Frames between meta nodes on port 8089. No other program speaks this protocol.
//!
//! The dialler sends [`MAGIC`]. Then both sides send frames: `len u32 | kind u8 | body`, big
//! endian; `len` counts kind and body. First comes the handshake ([`Hello`] → [`Challenge`] →
//! [`Proofs`] → [`ListenerIdentity`] and accepted, or refused; in version 1 [`Proof`] → accepted or
//! refused), then requests and answers of the lane that the dialler asked for. Bodies are protobuf.
//! A missing field is an error, never a default.

mod convert;
mod election;
mod frame;
mod handshake;
mod log;
mod membership;
#[cfg(test)]
mod tests;

use super::version::RAFT_FRAMES;
use crate::base::{ClusterId, Incarnation, RaftId};

pub use election::{Transfer, Transferred, Vote, VoteAnswer, VoteAsk};
pub use frame::{Frame, MemberReport, decode, encode};
pub use handshake::{
    Challenge, Hello, Lane, ListenerIdentity, Proof, Proofs, Refused, RefusedFrame,
};
pub use log::{Append, Appended, Entry, EntryKind, Snapshot};
pub use membership::{RaftMembership, decode_membership, encode_membership};

/// First bytes that a dialler sends. No text and no TLS record starts with the first of them.
pub const MAGIC: [u8; 8] = *b"\xC9IFM8089";

/// Answer to any other first bytes, before the connection is closed. It says to a caller that
/// sends HTTP which port this is.
pub const BANNER: &[u8] = b"influxd-meta raft port\n";

/// Versions of the frames below that this program speaks. Both sides use the highest common one.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 1..=RAFT_FRAMES.newest();

/// Length of the length field, which stands before a frame's kind.
pub const LENGTH_BYTES: usize = 4;

/// Identity of a member of the Raft group. Every handshake proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replica {
    pub cluster_id: ClusterId,
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
}

/// Reasons why bytes are no whole frame of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("an empty frame")]
    Empty,
    #[error("frame kind {0}, which this version does not know")]
    Kind(u8),
    #[error("{0} is missing or malformed")]
    Field(&'static str),
    #[error("undecodable body: {0}")]
    Body(#[from] prost::DecodeError),
    #[error("format {found}, this version reads up to {newest}")]
    Newer { found: u32, newest: u32 },
    #[error("a chunk with a wrong checksum")]
    Checksum,
}
