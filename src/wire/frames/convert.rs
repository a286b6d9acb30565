//! Protobuf messages that frames share, to and from plain values.

use bytes::Bytes;

use super::{FrameError, Replica};
use crate::base::{ClusterId, Incarnation, LogId, RaftId, StartId};
use crate::wire::identity::Starts;

/// Fails with the field's name when the field is missing.
pub(super) fn need<T>(field: Option<T>, name: &'static str) -> Result<T, FrameError> {
    field.ok_or(FrameError::Field(name))
}

pub(super) fn array<const N: usize>(
    field: Option<Bytes>,
    name: &'static str,
) -> Result<[u8; N], FrameError> {
    need(field, name)?
        .as_ref()
        .try_into()
        .map_err(|_| FrameError::Field(name))
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct LogIdMessage {
    #[prost(uint64, optional, tag = "1")]
    term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    index: Option<u64>,
}

impl From<LogId> for LogIdMessage {
    fn from(id: LogId) -> Self {
        Self {
            term: Some(id.term),
            index: Some(id.index),
        }
    }
}

impl TryFrom<LogIdMessage> for LogId {
    type Error = FrameError;
    fn try_from(m: LogIdMessage) -> Result<Self, FrameError> {
        Ok(Self {
            term: need(m.term, "log id term")?,
            index: need(m.index, "log id index")?,
        })
    }
}

/// Converts a log id that may be absent, as before the first entry.
pub(super) fn log_id(m: Option<LogIdMessage>) -> Result<Option<LogId>, FrameError> {
    m.map(TryInto::try_into).transpose()
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReplicaMessage {
    #[prost(bytes = "bytes", optional, tag = "1")]
    cluster_id: Option<Bytes>,
    #[prost(uint64, optional, tag = "2")]
    raft_id: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    incarnation: Option<Bytes>,
}

impl From<&Replica> for ReplicaMessage {
    fn from(r: &Replica) -> Self {
        Self {
            cluster_id: Some(Bytes::copy_from_slice(&r.cluster_id.0)),
            raft_id: Some(r.raft_id.0),
            incarnation: Some(Bytes::copy_from_slice(&r.incarnation.0)),
        }
    }
}

impl TryFrom<ReplicaMessage> for Replica {
    type Error = FrameError;
    fn try_from(m: ReplicaMessage) -> Result<Self, FrameError> {
        Ok(Self {
            cluster_id: ClusterId(array(m.cluster_id, "cluster id")?),
            raft_id: RaftId(need(m.raft_id, "raft id")?),
            incarnation: Incarnation(array(m.incarnation, "incarnation")?),
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StartsMessage {
    #[prost(uint64, optional, tag = "1")]
    counter: Option<u64>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    ids: Vec<Bytes>,
    #[prost(uint64, optional, tag = "3")]
    durable_seq: Option<u64>,
}

impl From<&Starts> for StartsMessage {
    fn from(s: &Starts) -> Self {
        Self {
            counter: Some(s.counter),
            ids: s
                .ids
                .iter()
                .map(|id| Bytes::copy_from_slice(&id.0))
                .collect(),
            durable_seq: Some(s.durable_seq),
        }
    }
}

impl TryFrom<StartsMessage> for Starts {
    type Error = FrameError;
    fn try_from(m: StartsMessage) -> Result<Self, FrameError> {
        let ids = m
            .ids
            .into_iter()
            .map(|id| Ok(StartId(array(Some(id), "start id")?)));
        Ok(Self {
            counter: need(m.counter, "start counter")?,
            ids: ids.collect::<Result<_, FrameError>>()?,
            durable_seq: need(m.durable_seq, "durable seq")?,
        })
    }
}
