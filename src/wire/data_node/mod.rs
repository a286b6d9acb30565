//! Messages on a data node's port 8088: frames of cluster calls, and the bodies of `ListShards` and
//! `/status`.
//!
//! A dialler sends [`MUX`], then one frame: `type u8 | length i64 big endian | protobuf` (wire.md
//! 10). A request without fields has only its type; an answer always has all three parts. Both
//! directions are here: a meta node writes requests and reads answers; the model of a data node in
//! the tests reads requests and writes answers.

mod answers;
mod calls;
mod frame;
mod message;
mod shards;
mod status;
#[cfg(test)]
mod tests;

pub use answers::{CallOutcome, DataNodeResponse, Node};
pub use calls::{
    Call, CopyShard, JoinCluster, LeaveCluster, ListShards, RemoveHintedHandoff, RemoveShard,
    SINCE_THE_BEGINNING,
};
pub use frame::{HEADER_BYTES, MAX_BODY_BYTES, MUX, MessageType, RpcHeader, answer, request};
pub use shards::{ShardOwnerInfo, Shards};
pub use status::DataNodeStatus;

use super::convert::BadField;

/// Reasons why bytes are not the expected request or answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcFrameError {
    /// The text is that of data nodes.
    #[error("max message size of {MAX_BODY_BYTES} exceeded: {0}")]
    TooLong(i64),
    #[error("an answer of type {found} where {due} was due")]
    Kind { found: u8, due: u8 },
    #[error("required field {0:?} not set")]
    Missing(&'static str),
    #[error("undecodable body: {0}")]
    Body(#[from] prost::DecodeError),
    #[error("undecodable body: {0}")]
    Field(BadField),
    #[error("undecodable shards: {0}")]
    Shards(String),
}

impl From<BadField> for RpcFrameError {
    fn from(field: BadField) -> Self {
        match field {
            BadField::Missing(name) => Self::Missing(name),
            other => Self::Field(other),
        }
    }
}
