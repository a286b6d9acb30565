//! Messages of the catalog in a snapshot.

use super::data::{DatabaseInfo, UserInfo};
use super::shared::{HostPort, Label, ScopePermissions};

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct State {
    /// First field, so that it can be checked before the rest.
    #[prost(uint32, optional, tag = "1")]
    pub(in crate::wire) format: Option<u32>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) term: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) index: Option<u64>,
    #[prost(sfixed64, optional, tag = "4")]
    pub(in crate::wire) last_at: Option<i64>,
    #[prost(message, optional, tag = "5")]
    pub(in crate::wire) cluster: Option<Cluster>,
    #[prost(message, repeated, tag = "6")]
    pub(in crate::wire) meta_nodes: Vec<MetaNode>,
    #[prost(message, repeated, tag = "7")]
    pub(in crate::wire) pendings: Vec<Pending>,
    #[prost(message, repeated, tag = "8")]
    pub(in crate::wire) tombstones: Vec<Tombstone>,
    /// Written and read one by one, to need no memory for all of them as messages: the program
    /// leaves this empty.
    #[prost(message, repeated, tag = "9")]
    pub(in crate::wire) databases: Vec<Numbered>,
    #[prost(uint64, optional, tag = "10")]
    pub(in crate::wire) next_database: Option<u64>,
    #[prost(uint64, optional, tag = "11")]
    pub(in crate::wire) max_node_id: Option<u64>,
    #[prost(uint64, optional, tag = "12")]
    pub(in crate::wire) max_shard_group_id: Option<u64>,
    #[prost(uint64, optional, tag = "13")]
    pub(in crate::wire) max_shard_id: Option<u64>,
    #[prost(uint64, optional, tag = "14")]
    pub(in crate::wire) max_raft_id: Option<u64>,
    /// Since format 3, as all fields below.
    #[prost(message, repeated, tag = "15")]
    pub(in crate::wire) data_nodes: Vec<DataNode>,
    #[prost(bytes = "vec", repeated, tag = "16")]
    pub(in crate::wire) passive: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "17")]
    pub(in crate::wire) users: Vec<NumberedUser>,
    #[prost(uint64, optional, tag = "18")]
    pub(in crate::wire) next_user: Option<u64>,
    #[prost(message, repeated, tag = "19")]
    pub(in crate::wire) leases: Vec<Lease>,
    #[prost(uint64, optional, tag = "20")]
    pub(in crate::wire) content_index: Option<u64>,
    #[prost(bytes = "vec", repeated, tag = "21")]
    pub(in crate::wire) removed_data_nodes: Vec<Vec<u8>>,
    /// Since format 5. 22 to 24 are a restore in parts.
    #[prost(sfixed64, optional, tag = "25")]
    pub(in crate::wire) owners_sought_since: Option<i64>,
    /// Since format 6.
    #[prost(message, repeated, tag = "26")]
    pub(in crate::wire) roles: Vec<NumberedRole>,
    #[prost(uint64, optional, tag = "27")]
    pub(in crate::wire) next_role: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct DataNode {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) http: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub(in crate::wire) tcp: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "4")]
    pub(in crate::wire) labels: Vec<Label>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Lease {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) holder: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Cluster {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) id: Option<Vec<u8>>,
    #[prost(string, optional, tag = "2")]
    pub(in crate::wire) name: Option<String>,
    #[prost(bool, optional, tag = "3")]
    pub(in crate::wire) with_secret: Option<bool>,
    #[prost(uint32, optional, tag = "4")]
    pub(in crate::wire) feature_level: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct MetaNode {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) http: Option<HostPort>,
    #[prost(message, optional, tag = "3")]
    pub(in crate::wire) raft: Option<HostPort>,
    #[prost(uint64, optional, tag = "4")]
    pub(in crate::wire) raft_id: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub(in crate::wire) incarnation: Option<Vec<u8>>,
    /// Since format 2, as labels.
    #[prost(bool, optional, tag = "6")]
    pub(in crate::wire) voter: Option<bool>,
    #[prost(message, repeated, tag = "7")]
    pub(in crate::wire) labels: Vec<Label>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Pending {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) incarnation: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) raft_id: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(in crate::wire) http: Option<HostPort>,
    #[prost(message, optional, tag = "4")]
    pub(in crate::wire) raft: Option<HostPort>,
    #[prost(bool, optional, tag = "5")]
    pub(in crate::wire) voter: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Tombstone {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(in crate::wire) incarnation: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) raft_id: Option<u64>,
    /// 1 removed, 2 replaced, 3 unseen, 4 restored.
    #[prost(uint32, optional, tag = "3")]
    pub(in crate::wire) why: Option<u32>,
    #[prost(sfixed64, optional, tag = "4")]
    pub(in crate::wire) at: Option<i64>,
    /// Since format 2.
    #[prost(string, optional, tag = "5")]
    pub(in crate::wire) by: Option<String>,
}

/// Values of a restore that is not committed yet. Since format 4, outside of [`State`]: its
/// databases follow one by one.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Restoring {
    #[prost(fixed64, optional, tag = "1")]
    pub(in crate::wire) id: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub(in crate::wire) index: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(in crate::wire) max_shard_group_id: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    pub(in crate::wire) max_shard_id: Option<u64>,
    #[prost(uint32, optional, tag = "5")]
    pub(in crate::wire) parts: Option<u32>,
    #[prost(sfixed64, optional, tag = "6")]
    pub(in crate::wire) at: Option<i64>,
}

/// Database with its insertion number. The number is stored so that replicas that started from a
/// snapshot have the same numbers as the others.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct Numbered {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) order: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) database: Option<DatabaseInfo>,
}

/// User with its insertion number, as in [`Numbered`].
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct NumberedUser {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) order: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::wire) user: Option<UserInfo>,
    /// Since format 6: permissions beyond the admin flag and the privileges.
    #[prost(message, repeated, tag = "3")]
    pub(in crate::wire) beyond: Vec<ScopePermissions>,
}

/// Role with its insertion number, as in [`Numbered`].
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::wire) struct NumberedRole {
    #[prost(uint64, optional, tag = "1")]
    pub(in crate::wire) order: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(in crate::wire) name: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::wire) permissions: Vec<ScopePermissions>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(in crate::wire) users: Vec<Vec<u8>>,
}
