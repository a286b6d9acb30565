//! Protobuf messages (wire.md 10.3).

use crate::wire::proto::data::NodeInfo;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CopyShardRequest {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) host: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(super) policy: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "4")]
    pub(super) shard_id: Option<u64>,
    #[prost(int64, optional, tag = "5")]
    pub(super) since: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RemoveShardRequest {
    #[prost(uint64, optional, tag = "1")]
    pub(super) shard_id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct JoinClusterRequest {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(super) meta_servers: Vec<Vec<u8>>,
    #[prost(bool, optional, tag = "2")]
    pub(super) update: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RemoveHintedHandoffRequest {
    #[prost(uint64, optional, tag = "1")]
    pub(super) node_id: Option<u64>,
}

/// `CopyShardResponse`, `RemoveShardResponse`, `LeaveClusterResponse` and
/// `RemoveHintedHandoffResponse`, which have the same field.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PlainResponse {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) err: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ListShardsResponse {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) shards: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) err: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct JoinClusterResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) node: Option<NodeInfo>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) err: Option<Vec<u8>>,
}
