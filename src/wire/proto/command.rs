//! Payloads of the wire's commands, and its `Response` (wire.md 3.3, 4.7).

use super::data::{Data, RetentionPolicyInfo};

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateDatabase {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) retention_policy: Option<RetentionPolicyInfo>,
}

/// A name: `DropDatabaseCommand`, `DropUserCommand`.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ByName {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateRetentionPolicy {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) retention_policy: Option<RetentionPolicyInfo>,
    #[prost(bool, optional, tag = "3")]
    pub(in crate::wire) default: Option<bool>,
}

/// Two names, the first that of a database: `DropRetentionPolicyCommand`,
/// `SetDefaultRetentionPolicyCommand`, `DropContinuousQueryCommand`.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct InDatabase {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) name: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct UpdateRetentionPolicy {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(in crate::wire) new_name: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "4")]
    pub(in crate::wire) duration: Option<i64>,
    #[prost(uint32, optional, tag = "5")]
    pub(in crate::wire) replica_n: Option<u32>,
    #[prost(int64, optional, tag = "6")]
    pub(in crate::wire) shard_group_duration: Option<i64>,
    #[prost(bool, optional, tag = "7")]
    pub(in crate::wire) default: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateShardGroup {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) policy: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "3")]
    pub(in crate::wire) timestamp: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct DeleteShardGroup {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) policy: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) shard_group_id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateContinuousQuery {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(in crate::wire) query: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateUser {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) hash: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3")]
    pub(in crate::wire) admin: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct UpdateUser {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) hash: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct SetPrivilege {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) username: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "3")]
    pub(in crate::wire) privilege: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct SetData {
    #[prost(message, optional, tag = "1")]
    pub(in crate::wire) data: Option<Data>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct SetAdminPrivilege {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) username: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "2")]
    pub(in crate::wire) admin: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateSubscription {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(in crate::wire) retention_policy: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(in crate::wire) mode: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub(in crate::wire) destinations: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct DropSubscription {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(in crate::wire) retention_policy: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateDataNode {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) http_addr: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) tcp_addr: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct UpdateDataNode {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) http_addr: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(in crate::wire) tcp_addr: Option<Vec<u8>>,
}

/// An id: `DeleteDataNodeCommand`, `DropShardCommand`.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ById {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct TruncateShardGroups {
    #[prost(int64, optional, tag = "1")]
    pub(in crate::wire) timestamp: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct PruneShardGroups {}

/// `CopyShardOwnerCommand`, `RemoveShardOwnerCommand`; also in commands of ours.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ShardCopy {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) node_id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Response {
    #[prost(bool, optional, tag = "1")]
    pub(in crate::wire) ok: Option<bool>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) error: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) index: Option<u64>,
}
