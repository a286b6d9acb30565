//! Payloads of the wire's commands, and its `Response` (wire.md 3.3, 4.7).

use super::data::RetentionPolicyInfo;

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct CreateDatabase {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) retention_policy: Option<RetentionPolicyInfo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct DropDatabase {
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

/// `DropRetentionPolicyCommand` and `SetDefaultRetentionPolicyCommand`: the same fields.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct NamedRetentionPolicy {
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
pub(in crate::wire) struct Response {
    #[prost(bool, optional, tag = "1")]
    pub(in crate::wire) ok: Option<bool>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) error: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) index: Option<u64>,
}
