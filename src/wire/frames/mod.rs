//! What meta nodes say to each other on 8089, byte by byte. Nobody else ever speaks it.
//!
//! A dialler sends [`MAGIC`]; then both sides send frames: `len u32 | kind u8 | body`, big endian,
//! `len` counting kind and body. First the handshake ([`Hello`] → [`Challenge`] → [`Proof`] →
//! accepted or refused), then requests and answers of the lane that the dialler asked for. Bodies
//! are protobuf; a field that is not there is an error here, never a default.

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
pub use frame::{Frame, decode, encode};
pub use handshake::{Challenge, Hello, Lane, Proof, Refused, RefusedCode};
pub use log::{Append, Appended, Entry, EntryKind, Snapshot};
pub use membership::{Membership, decode_membership, encode_membership};

/// The first bytes from a dialler. The first of them starts no text and no TLS record.
pub const MAGIC: [u8; 8] = *b"\xC9IFM8089";

/// The answer to any other first bytes, before closing: who sends HTTP here learns what this port
/// is.
pub const BANNER: &[u8] = b"influxd-meta raft port\n";

/// Versions of the frames below that this program speaks. Both sides use the highest common one.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 1..=RAFT_FRAMES.newest();

/// Bytes before a frame's kind.
pub const LENGTH_BYTES: usize = 4;

/// Who a member of the Raft group is: what every handshake proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replica {
    pub cluster_id: ClusterId,
    pub raft_id: RaftId,
    pub incarnation: Incarnation,
}

/// Bytes that are no frame of ours, or not a whole one.
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
