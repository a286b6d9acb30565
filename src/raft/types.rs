//! openraft's types with the parameters of this program, and conversions between them and our
//! types.
//!
//! openraft's own types are never written to disk or sent. What leaves this module are types of
//! `storage` and `wire`, which define their bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use openraft::alias::{LogIdOf, StoredMembershipOf, VoteOf};
use openraft::vote::RaftLeaderId;

use super::runtime::LocalRuntime;
use crate::base::{Incarnation, LogId, RaftId};
use crate::machine::Outcome;
use crate::wire::frames::{self, FrameError};

openraft::declare_raft_types!(
    /// Log ids are (term, index), so that the first entries of all founders are equal
    /// (founding.md 5.2).
    pub(super) Types:
        D = EntryBytes,
        R = ApplyResult,
        NodeId = u64,
        Node = Member,
        LeaderId = openraft::impls::leader_id_std::LeaderId<u64, u64>,
        AsyncRuntime = LocalRuntime,
);

pub(super) type OpenEntry = openraft::alias::EntryOf<Types>;
pub(super) type OpenLogId = LogIdOf<Types>;
pub(super) type OpenVote = VoteOf<Types>;
pub(super) type OpenMembership = openraft::Membership<u64, Member>;
pub(super) type StoredMembership = StoredMembershipOf<Types>;
pub(super) type Payload = openraft::EntryPayload<EntryBytes, u64, Member>;

/// An enveloped command: the bytes that are logged, sent, and decoded when applied.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct EntryBytes(pub(super) Bytes);

impl fmt::Debug for EntryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for EntryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Result of applying an entry.
#[derive(Debug)]
pub(super) enum ApplyResult {
    Outcome(Outcome),
    /// The entry was a membership or blank.
    Nothing,
}

/// Data of a member in a membership, besides its Raft id. Addresses come from the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) incarnation: Incarnation,
}

pub(super) fn member_map(members: &[(RaftId, Incarnation)]) -> BTreeMap<u64, Member> {
    members
        .iter()
        .map(|&(id, incarnation)| (id.0, Member { incarnation }))
        .collect()
}

pub(super) fn open_log_id(id: LogId) -> OpenLogId {
    OpenLogId::new_term_index(id.term, id.index)
}

pub(super) fn log_id(id: OpenLogId) -> LogId {
    LogId {
        term: id.leader_id.term,
        index: id.index,
    }
}

pub(super) fn open_vote(vote: frames::Vote) -> OpenVote {
    OpenVote {
        leader_id: RaftLeaderId::new(vote.term, vote.node.0),
        committed: vote.committed,
    }
}

pub(super) fn vote(vote: &OpenVote) -> frames::Vote {
    frames::Vote {
        term: vote.leader_id.term,
        node: RaftId(vote.leader_id.voted_for),
        committed: vote.committed,
    }
}

/// Encodes a membership as logs and snapshots store it.
pub(super) fn membership_bytes(membership: &OpenMembership) -> Bytes {
    let configs = membership.get_joint_config().iter();
    frames::encode_membership(&frames::RaftMembership {
        configs: configs
            .map(|voters| voters.iter().copied().map(RaftId).collect())
            .collect(),
        nodes: membership
            .nodes()
            .map(|(id, member)| (RaftId(*id), member.incarnation))
            .collect(),
    })
}

/// Reasons why bytes are not a membership.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    #[error(transparent)]
    Undecodable(#[from] FrameError),
    /// The bytes were decoded, and openraft refuses the membership.
    #[error(transparent)]
    Invalid(#[from] openraft::errors::MembershipError<u64>),
}

/// Decodes a membership.
///
/// # Errors
/// See [`MembershipError`].
pub(super) fn open_membership(bytes: &[u8]) -> Result<OpenMembership, MembershipError> {
    let membership = frames::decode_membership(bytes)?;
    let voters = |config: Vec<RaftId>| config.into_iter().map(|id| id.0).collect::<BTreeSet<_>>();
    let member = |(id, incarnation): (RaftId, Incarnation)| (id.0, Member { incarnation });
    let nodes: BTreeMap<u64, Member> = membership.nodes.into_iter().map(member).collect();
    let configs = membership.configs.into_iter().map(voters).collect();
    Ok(OpenMembership::new(configs, nodes)?)
}

/// Converts the payload of an entry.
///
/// # Errors
/// This version cannot read a membership entry.
pub(super) fn open_payload(
    kind: frames::EntryKind,
    bytes: Bytes,
) -> Result<Payload, MembershipError> {
    Ok(match kind {
        frames::EntryKind::Blank => Payload::Blank,
        frames::EntryKind::Command => Payload::Normal(EntryBytes(bytes)),
        frames::EntryKind::Membership => Payload::Membership(open_membership(&bytes)?),
    })
}

pub(super) fn payload(payload: &Payload) -> (frames::EntryKind, Bytes) {
    match payload {
        Payload::Blank => (frames::EntryKind::Blank, Bytes::new()),
        Payload::Normal(command) => (frames::EntryKind::Command, command.0.clone()),
        Payload::Membership(membership) => {
            (frames::EntryKind::Membership, membership_bytes(membership))
        }
    }
}
