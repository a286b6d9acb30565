//! Messages that log entries, snapshots and commands share.

/// Label of a node. Labels stand in the order of their keys, each key once. This is not protobuf's
/// map, because that has no order.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Label {
    #[prost(string, optional, tag = "1")]
    pub(in crate::wire) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(in crate::wire) value: Option<String>,
}

/// Address in its parts. Every address that a node can have is decoded again: there is no text
/// syntax that could refuse it once it is in the log.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct HostPort {
    #[prost(string, optional, tag = "1")]
    pub(in crate::wire) host: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub(in crate::wire) port: Option<u32>,
}

/// `CopyShardOwnerCommand`, `RemoveShardOwnerCommand`; also in internal commands.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ShardCopy {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) node_id: Option<u64>,
}

/// Permissions in a scope: a database, or the empty name for all of them.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct ScopePermissions {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) scope: Option<Vec<u8>>,
    /// Bit n is set for permission n.
    #[prost(uint32, optional, tag = "2")]
    pub(in crate::wire) permissions: Option<u32>,
}
