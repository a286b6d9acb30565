//! The log entry's envelope (design: how data flows): 1 format, 2 at = sfixed64 unix ns, 3 flags
//! (bit 0 = the proposer's `retention-autocreate`), then 4 the wire command's bytes or 5 a command of ours.

use bytes::Bytes;

use crate::base::UnixNanos;
use crate::machine::{Command, Stamped};

/// What a proposal carries: the wire's bytes as they came, or a command of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Wire(Bytes),
    Ours(Command),
}

/// An entry that this node cannot read: it halts, and never skips it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("entry format {found}, this version reads up to {newest}")]
    Newer { found: u32, newest: u32 },
    #[error("undecodable entry: {0}")]
    Malformed(String),
}

/// The entry's bytes: what the WAL writes, what followers are sent, what is decoded at apply.
pub fn encode(_at: UnixNanos, _retention_autocreate: bool, _body: &Body) -> Bytes {
    todo!("the catalog helper")
}

pub fn decode(_bytes: &[u8]) -> Result<Stamped, EnvelopeError> {
    todo!("the catalog helper")
}
