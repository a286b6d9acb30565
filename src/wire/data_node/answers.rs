//! Answers as values.

use prost::Message;

use super::RpcFrameError;
use super::calls::read;
use super::message::{JoinClusterResponse, ListShardsResponse, PlainResponse};
use super::shards::{self, Shards};
use crate::base::{Name, NodeId};
use crate::wire::convert::{bytes_of, required};
use crate::wire::proto::data::NodeInfo;

/// Answer of a data node: the result, or its error text.
pub type CallOutcome<T> = Result<T, String>;

/// Result of a call, to and from the bytes of an answer, which may also be an error.
pub trait DataNodeResponse: Sized + Send + 'static {
    fn encode(outcome: &CallOutcome<Self>) -> Vec<u8>;

    /// # Errors
    /// The bytes are no such answer.
    fn decode(body: &[u8]) -> Result<CallOutcome<Self>, RpcFrameError>;
}

/// A data node as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: NodeId,
    pub http_addr: Name,
    pub tcp_addr: Name,
}

/// `CopyShard`, `RemoveShard`, `LeaveCluster`, `RemoveHintedHandoff`.
impl DataNodeResponse for () {
    fn encode(outcome: &CallOutcome<()>) -> Vec<u8> {
        PlainResponse { err: err(outcome) }.encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<CallOutcome<()>, RpcFrameError> {
        let message: PlainResponse = read(body)?;
        Ok(message.err.map_or(Ok(()), |words| Err(text(&words))))
    }
}

/// `ListShards`.
impl DataNodeResponse for Shards {
    /// Encodes an answer. The shards are present beside an error too: the field is required.
    fn encode(outcome: &CallOutcome<Shards>) -> Vec<u8> {
        let json = outcome.as_ref().map(shards::encode).unwrap_or_default();
        ListShardsResponse {
            shards: Some(json),
            err: err(outcome),
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<CallOutcome<Shards>, RpcFrameError> {
        let message: ListShardsResponse = read(body)?;
        match message.err {
            Some(words) => Ok(Err(text(&words))),
            None => Ok(Ok(shards::decode(&required(message.shards, "Shards")?)?)),
        }
    }
}

/// `JoinCluster`.
impl DataNodeResponse for Node {
    fn encode(outcome: &CallOutcome<Node>) -> Vec<u8> {
        let node = outcome.as_ref().ok().map(|node| NodeInfo {
            id: Some(node.id.0),
            addr: Some(bytes_of(&node.http_addr)),
            tcp_addr: Some(bytes_of(&node.tcp_addr)),
        });
        JoinClusterResponse {
            node,
            err: err(outcome),
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<CallOutcome<Node>, RpcFrameError> {
        let message: JoinClusterResponse = read(body)?;
        if let Some(words) = message.err {
            return Ok(Err(text(&words)));
        }
        let node = required(message.node, "Node")?;
        Ok(Ok(Node {
            id: NodeId(required(node.id, "Node.ID")?),
            http_addr: Name::from(&node.addr.unwrap_or_default()),
            tcp_addr: Name::from(&node.tcp_addr.unwrap_or_default()),
        }))
    }
}

fn err<T>(outcome: &CallOutcome<T>) -> Option<Vec<u8>> {
    outcome
        .as_ref()
        .err()
        .map(|words| words.as_bytes().to_vec())
}

/// Converts an error text. Bytes that are not UTF-8 are replaced: only operators read it.
fn text(words: &[u8]) -> String {
    String::from_utf8_lossy(words).into_owned()
}
