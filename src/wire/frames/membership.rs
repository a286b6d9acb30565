//! Raft membership in log entries and snapshots.

use bytes::Bytes;
use prost::Message;

use super::FrameError;
use super::convert::{array, need};
use crate::base::{Incarnation, RaftId};
use crate::wire::version::MEMBERSHIP;

/// Newest format that this version reads, and the one that it writes.
const FORMAT: u32 = MEMBERSHIP.newest();

/// Voters and members. `configs` has one list of voters, or two during a change (joint consensus).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaftMembership {
    pub configs: Vec<Vec<RaftId>>,
    /// Voters and learners, each with the incarnation to which its Raft id belongs.
    pub nodes: Vec<(RaftId, Incarnation)>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MembershipMessage {
    #[prost(uint32, optional, tag = "1")]
    format: Option<u32>,
    #[prost(message, repeated, tag = "2")]
    configs: Vec<ConfigMessage>,
    #[prost(message, repeated, tag = "3")]
    nodes: Vec<NodeMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ConfigMessage {
    #[prost(uint64, repeated, tag = "1")]
    voters: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct NodeMessage {
    #[prost(uint64, optional, tag = "1")]
    raft_id: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    incarnation: Option<Bytes>,
}

/// Encodes a membership. Equal memberships give equal bytes.
pub fn encode_membership(membership: &RaftMembership) -> Bytes {
    let config = |c: &Vec<RaftId>| ConfigMessage {
        voters: c.iter().map(|id| id.0).collect(),
    };
    let node = |(id, incarnation): &(RaftId, Incarnation)| NodeMessage {
        raft_id: Some(id.0),
        incarnation: Some(Bytes::copy_from_slice(&incarnation.0)),
    };
    let message = MembershipMessage {
        format: Some(FORMAT),
        configs: membership.configs.iter().map(config).collect(),
        nodes: membership.nodes.iter().map(node).collect(),
    };
    message.encode_to_vec().into()
}

/// # Errors
/// A newer format, or bytes that are no membership.
pub fn decode_membership(bytes: &[u8]) -> Result<RaftMembership, FrameError> {
    let message = MembershipMessage::decode(bytes)?;
    let found = need(message.format, "format")?;
    if found > FORMAT {
        return Err(FrameError::Newer {
            found,
            newest: FORMAT,
        });
    }
    let config = |c: ConfigMessage| c.voters.into_iter().map(RaftId).collect();
    let node = |n: NodeMessage| {
        Ok((
            RaftId(need(n.raft_id, "raft id")?),
            Incarnation(array(n.incarnation, "incarnation")?),
        ))
    };
    Ok(RaftMembership {
        configs: message.configs.into_iter().map(config).collect(),
        nodes: message
            .nodes
            .into_iter()
            .map(node)
            .collect::<Result<_, FrameError>>()?,
    })
}
