//! `POST /execute`: the wire's `Command` and `Response` (wire.md 3.1, 4.7).

use bytes::Bytes;

use crate::machine::Command;

/// What the bytes of a wire command ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    Command(Command),
    /// A known command that this version does not carry out: its name, for the answer.
    NotSupported(&'static str),
    /// Types 1, 2, 19, 23, 24, 27, 29: meta nodes are not changed this way (founding.md 7).
    MetaNodes,
}

/// Why the bytes are no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The envelope itself: answered 400 `unable to unmarshal command: …`.
    #[error("unable to unmarshal command: {0}")]
    Envelope(String),
    /// Unknown type, missing or undecodable payload: answered 200 `Response{OK:false}`, which clients do not retry.
    #[error("{0}")]
    Payload(String),
}

/// Decodes and validates a wire command.
pub fn decode(_bytes: &[u8]) -> Result<Decoded, DecodeError> {
    todo!("the catalog helper")
}

/// `Response{OK:true, Index}` or `Response{OK:false, Error}`.
pub fn encode_response(_result: Result<u64, &str>) -> Bytes {
    todo!("the catalog helper")
}
