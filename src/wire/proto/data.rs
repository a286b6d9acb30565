//! The wire's `Data` (wire.md 2).

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Data {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) index: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) cluster_id: Option<u64>,
    /// `data_nodes` of version 0.9. Never written.
    #[prost(message, repeated, tag = "4")]
    pub(in crate::wire) nodes: Vec<NodeInfo>,
    #[prost(message, repeated, tag = "5")]
    pub(in crate::wire) databases: Vec<DatabaseInfo>,
    #[prost(message, repeated, tag = "6")]
    pub(in crate::wire) users: Vec<UserInfo>,
    #[prost(uint64, optional, tag = "7")]
    pub(in crate::wire) max_node_id: Option<u64>,
    #[prost(uint64, optional, tag = "8")]
    pub(in crate::wire) max_shard_group_id: Option<u64>,
    #[prost(uint64, optional, tag = "9")]
    pub(in crate::wire) max_shard_id: Option<u64>,
    #[prost(message, repeated, tag = "10")]
    pub(in crate::wire) data_nodes: Vec<NodeInfo>,
    #[prost(message, repeated, tag = "11")]
    pub(in crate::wire) meta_nodes: Vec<NodeInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct NodeInfo {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) addr: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(in crate::wire) tcp_addr: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct DatabaseInfo {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) default_retention_policy: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::wire) retention_policies: Vec<RetentionPolicyInfo>,
    #[prost(message, repeated, tag = "4")]
    pub(in crate::wire) continuous_queries: Vec<ContinuousQueryInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ContinuousQueryInfo {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) query: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct RetentionPolicyInfo {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(int64, optional, tag = "2")]
    pub(in crate::wire) duration: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    pub(in crate::wire) shard_group_duration: Option<i64>,
    #[prost(uint32, optional, tag = "4")]
    pub(in crate::wire) replica_n: Option<u32>,
    #[prost(message, repeated, tag = "5")]
    pub(in crate::wire) shard_groups: Vec<ShardGroupInfo>,
    #[prost(message, repeated, tag = "6")]
    pub(in crate::wire) subscriptions: Vec<SubscriptionInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct SubscriptionInfo {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) mode: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(in crate::wire) destinations: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ShardGroupInfo {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(int64, optional, tag = "2")]
    pub(in crate::wire) start_time: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    pub(in crate::wire) end_time: Option<i64>,
    /// 0 = not deleted.
    #[prost(int64, optional, tag = "4")]
    pub(in crate::wire) deleted_at: Option<i64>,
    #[prost(message, repeated, tag = "5")]
    pub(in crate::wire) shards: Vec<ShardInfo>,
    /// Absent or 0 = not truncated.
    #[prost(int64, optional, tag = "6")]
    pub(in crate::wire) truncated_at: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ShardInfo {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    /// `owners` of version 0.9. Never written; read when it is not empty.
    #[prost(uint64, repeated, packed = "false", tag = "2")]
    pub(in crate::wire) owner_ids: Vec<u64>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::wire) owners: Vec<ShardOwner>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ShardOwner {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) node_id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct UserInfo {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) hash: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3")]
    pub(in crate::wire) admin: Option<bool>,
    #[prost(message, repeated, tag = "4")]
    pub(in crate::wire) privileges: Vec<UserPrivilege>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct UserPrivilege {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) database: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub(in crate::wire) privilege: Option<i32>,
}
