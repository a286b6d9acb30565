//! The wire's `Data` (wire.md 2), as far as the catalog has it.

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Data {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) index: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) cluster_id: Option<u64>,
    #[prost(message, repeated, tag = "5")]
    pub(in crate::wire) databases: Vec<DatabaseInfo>,
    #[prost(uint64, optional, tag = "7")]
    pub(in crate::wire) max_node_id: Option<u64>,
    #[prost(uint64, optional, tag = "8")]
    pub(in crate::wire) max_shard_group_id: Option<u64>,
    #[prost(uint64, optional, tag = "9")]
    pub(in crate::wire) max_shard_id: Option<u64>,
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
}

/// Also inside `CreateDatabase` and `CreateRetentionPolicy`, where shard groups and subscriptions are ignored.
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
}
