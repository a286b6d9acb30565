//! Elements of `GET /show-shards` as they are written. They borrow from the catalog: a list may
//! have hundreds of thousands of elements, and none is copied before it is bytes.
//! [`ShardInfo`](super::api::ShardInfo) is the same element as it is read.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use crate::base::{Name, NodeId, ShardGroupId, ShardId, Text, UnixNanos};

/// Go's zero time.
const NEVER: &str = "0001-01-01T00:00:00Z";

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ShardRow<'a> {
    pub id: ShardId,
    #[serde(serialize_with = "text_or_empty")]
    pub database: Option<&'a Name>,
    #[serde(serialize_with = "text_or_empty")]
    pub retention_policy: Option<&'a Name>,
    pub replica_n: u32,
    pub shard_group_id: ShardGroupId,
    #[serde(serialize_with = "time_or_never")]
    pub start_time: Option<UnixNanos>,
    #[serde(serialize_with = "time_or_never")]
    pub end_time: Option<UnixNanos>,
    #[serde(serialize_with = "time_or_never")]
    pub expire_time: Option<UnixNanos>,
    #[serde(serialize_with = "time_or_never")]
    pub truncated_at: Option<UnixNanos>,
    pub owners: &'a [OwnerRow<'a>],
}

/// Copy of a shard: as the catalog has it, or as its data node reports it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OwnerRow<'a> {
    pub id: NodeId,
    #[serde(rename = "tcpAddr")]
    pub tcp_addr: OwnerAddress<'a>,
    /// `hot`, `cold`, or empty when it is not known.
    pub state: &'a str,
    /// RFC 3339, as the data node wrote it.
    #[serde(rename = "last-modified")]
    pub last_modified: &'a str,
    /// Size in bytes.
    pub size: i64,
    /// Reason why the other fields are not known; empty when they are.
    pub err: &'a str,
}

/// TCP address of an owner.
#[derive(Clone, Copy, Debug)]
pub enum OwnerAddress<'a> {
    /// No node of the catalog has this id (wire.md Q24).
    Unknown,
    OfCatalog(&'a Text),
    Reported(&'a str),
}

impl<'a> OwnerRow<'a> {
    /// Describes an owner by the catalog alone.
    pub fn without_report(id: NodeId, tcp_addr: Option<&'a Text>) -> Self {
        Self {
            id,
            tcp_addr: tcp_addr.map_or(OwnerAddress::Unknown, OwnerAddress::OfCatalog),
            state: "",
            last_modified: NEVER,
            size: 0,
            err: "",
        }
    }
}

impl<'a> ShardRow<'a> {
    /// Describes a copy on a data node that is not in the catalog.
    pub fn unlisted(id: ShardId, owners: &'a [OwnerRow<'a>]) -> Self {
        Self {
            id,
            database: None,
            retention_policy: None,
            replica_n: 0,
            shard_group_id: ShardGroupId(0),
            start_time: None,
            end_time: None,
            expire_time: None,
            truncated_at: None,
            owners,
        }
    }
}

impl Serialize for OwnerAddress<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_str(""),
            Self::OfCatalog(address) => serializer.collect_str(address),
            Self::Reported(address) => serializer.serialize_str(address),
        }
    }
}

fn text_or_empty<S: Serializer>(
    name: &Option<impl Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match name {
        Some(name) => serializer.collect_str(name),
        None => serializer.serialize_str(""),
    }
}

fn time_or_never<S: Serializer>(
    time: &Option<UnixNanos>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_str(NEVER),
    }
}
