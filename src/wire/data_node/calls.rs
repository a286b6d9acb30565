//! Requests as values.

use prost::Message;

use super::message::{
    CopyShardRequest, JoinClusterRequest, RemoveHintedHandoffRequest, RemoveShardRequest,
};
use super::{DataNodeResponse, MessageType, Node, RpcFrameError, Shards};
use crate::base::{Name, NodeId};
use crate::wire::convert::{bytes_of, required, required_name};

/// A call and its answer. [`super::request`] and [`super::answer`] put frames around both.
pub trait Call: Sized {
    const KIND: MessageType;
    type Answer: DataNodeResponse;

    fn encode(&self) -> Vec<u8>;

    /// # Errors
    /// The bytes are no such request.
    fn decode(body: &[u8]) -> Result<Self, RpcFrameError>;
}

/// Value of [`CopyShard::since`] that copies the whole shard: earlier than any file. It is Go's
/// zero time after its overflow, as data nodes always get it.
pub const SINCE_THE_BEGINNING: i64 = -6_795_364_578_871_345_152;

/// Asks the destination to fetch a shard. It answers once it has the shard, which may take hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyShard {
    /// TCP address of the source, from the catalog.
    pub host: Name,
    pub database: Name,
    pub policy: Name,
    pub shard: u64,
    /// Unix time in ns. Only files that changed since then are copied.
    pub since: Option<i64>,
}

/// Asks a node to delete its copy of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoveShard {
    pub shard: u64,
}

/// Asks a node for the shards that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListShards;

/// Asks a node to register itself with these meta nodes. Before it answers, it calls them:
/// `/status`, `/execute`, `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinCluster {
    /// HTTP addresses, in the order in which the node tries them.
    pub meta_servers: Vec<Name>,
    /// Whether the cluster already knows the node: it takes the place of another one.
    pub update: bool,
}

/// Asks a node to forget its cluster and delete its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaveCluster;

/// Asks a node to delete the points that it keeps for another node that will not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoveHintedHandoff {
    pub node: NodeId,
}

impl Call for CopyShard {
    const KIND: MessageType = MessageType::CopyShard;
    type Answer = ();

    fn encode(&self) -> Vec<u8> {
        let message = CopyShardRequest {
            host: Some(bytes_of(&self.host)),
            database: Some(bytes_of(&self.database)),
            policy: Some(bytes_of(&self.policy)),
            shard_id: Some(self.shard),
            since: self.since,
        };
        message.encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, RpcFrameError> {
        let message: CopyShardRequest = read(body)?;
        Ok(Self {
            host: required_name(message.host, "Host")?,
            database: required_name(message.database, "Database")?,
            policy: required_name(message.policy, "Policy")?,
            shard: required(message.shard_id, "ShardID")?,
            since: message.since,
        })
    }
}

impl Call for RemoveShard {
    const KIND: MessageType = MessageType::RemoveShard;
    type Answer = ();

    fn encode(&self) -> Vec<u8> {
        RemoveShardRequest {
            shard_id: Some(self.shard),
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, RpcFrameError> {
        let message: RemoveShardRequest = read(body)?;
        Ok(Self {
            shard: required(message.shard_id, "ShardID")?,
        })
    }
}

impl Call for ListShards {
    const KIND: MessageType = MessageType::ListShards;
    type Answer = Shards;

    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(_body: &[u8]) -> Result<Self, RpcFrameError> {
        Ok(Self)
    }
}

impl Call for JoinCluster {
    const KIND: MessageType = MessageType::JoinCluster;
    type Answer = Node;

    fn encode(&self) -> Vec<u8> {
        let meta_servers = self.meta_servers.iter().map(bytes_of).collect();
        JoinClusterRequest {
            meta_servers,
            update: Some(self.update),
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, RpcFrameError> {
        let message: JoinClusterRequest = read(body)?;
        Ok(Self {
            meta_servers: message.meta_servers.iter().map(Name::from).collect(),
            update: required(message.update, "Update")?,
        })
    }
}

impl Call for LeaveCluster {
    const KIND: MessageType = MessageType::LeaveCluster;
    type Answer = ();

    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(_body: &[u8]) -> Result<Self, RpcFrameError> {
        Ok(Self)
    }
}

impl Call for RemoveHintedHandoff {
    const KIND: MessageType = MessageType::RemoveHintedHandoff;
    type Answer = ();

    fn encode(&self) -> Vec<u8> {
        RemoveHintedHandoffRequest {
            node_id: Some(self.node.0),
        }
        .encode_to_vec()
    }

    fn decode(body: &[u8]) -> Result<Self, RpcFrameError> {
        let message: RemoveHintedHandoffRequest = read(body)?;
        Ok(Self {
            node: NodeId(required(message.node_id, "NodeID")?),
        })
    }
}

pub(super) fn read<M: Message + Default>(body: &[u8]) -> Result<M, RpcFrameError> {
    Ok(M::decode(body)?)
}
