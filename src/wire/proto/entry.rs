//! Commands of ours in a log entry, and the values that snapshots share with them.

use super::command::ShardCopy;

/// Field 5 of the envelope. One of them is set.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Ours {
    #[prost(oneof = "OurCommand", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")]
    pub(in crate::wire) command: Option<OurCommand>,
}

/// 1 belongs to format 1 of the envelope, 2 to 7 to format 2, 8 to 11 to format 3.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(in crate::wire) enum OurCommand {
    #[prost(message, tag = "1")]
    Found(Found),
    #[prost(message, tag = "2")]
    AllocateRaftId(AllocateRaftId),
    #[prost(message, tag = "3")]
    AddMetaNode(AddMetaNode),
    #[prost(message, tag = "4")]
    MoveMetaNode(MoveMetaNode),
    #[prost(message, tag = "5")]
    RemoveMetaNode(RemoveMetaNode),
    #[prost(message, tag = "6")]
    SetLabels(SetLabels),
    #[prost(message, tag = "7")]
    RaiseFeatureLevel(RaiseFeatureLevel),
    #[prost(message, tag = "8")]
    SetPassive(SetPassive),
    #[prost(message, tag = "9")]
    RemoveDataNode(RemoveDataNode),
    #[prost(message, tag = "10")]
    RemoveShardCopy(RemoveShardCopy),
    #[prost(message, tag = "11")]
    SetLeaseHolder(SetLeaseHolder),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Found {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) cluster_id: Option<Vec<u8>>,
    #[prost(string, optional, tag = "2")]
    pub(in crate::wire) name: Option<String>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::wire) founders: Vec<Founder>,
    #[prost(bool, optional, tag = "4")]
    pub(in crate::wire) with_secret: Option<bool>,
    #[prost(uint32, optional, tag = "5")]
    pub(in crate::wire) feature_level: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Founder {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) incarnation: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    pub(in crate::wire) raft: Option<HostPort>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct AllocateRaftId {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) incarnation: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    pub(in crate::wire) raft: Option<HostPort>,
    #[prost(bool, optional, tag = "4")]
    pub(in crate::wire) voter: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct AddMetaNode {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) raft_id: Option<u64>,
    /// Absent: it takes nobody's place.
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) replaces: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct MoveMetaNode {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) raft_id: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    pub(in crate::wire) raft: Option<HostPort>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct RemoveMetaNode {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) raft_id: Option<u64>,
    /// Absent: no tombstone.
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) tombstone: Option<Removal>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Removal {
    /// As in the tombstones of a snapshot.
    #[prost(uint32, optional, tag = "1")]
    pub(in crate::wire) why: Option<u32>,
    #[prost(string, optional, tag = "2")]
    pub(in crate::wire) by: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct SetLabels {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) node_id: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::wire) set: Vec<Label>,
    #[prost(string, repeated, tag = "3")]
    pub(in crate::wire) delete: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct RaiseFeatureLevel {
    #[prost(uint32, optional, tag = "1")]
    pub(in crate::wire) level: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct SetPassive {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) tcp: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "2")]
    pub(in crate::wire) passive: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct RemoveDataNode {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(bool, optional, tag = "2")]
    pub(in crate::wire) force: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct RemoveShardCopy {
    #[prost(message, optional, tag = "1")]
    pub(in crate::wire) copy: Option<ShardCopy>,
    #[prost(bool, optional, tag = "2")]
    pub(in crate::wire) force: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct SetLeaseHolder {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) lease: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) holder: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) term: Option<u64>,
}

/// In the order of their keys, each key once; not protobuf's map, which has no order.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Label {
    #[prost(string, optional, tag = "1")]
    pub(in crate::wire) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(in crate::wire) value: Option<String>,
}

/// An address in its parts: whatever address a node could have got hold of comes back, without a
/// grammar of text that could refuse it once it is in the log.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct HostPort {
    #[prost(string, optional, tag = "1")]
    pub(in crate::wire) host: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub(in crate::wire) port: Option<u32>,
}
