//! Frames of the log: append requests and snapshots.

use bytes::Bytes;

use super::FrameError;
use super::convert::{LogIdMessage, log_id, need};
use super::election::{Vote, VoteMessage, vote};
use super::frame::MemberReport;
use crate::base::{LogId, UnixNanos};
pub use crate::wire::wal::{Entry, EntryKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    pub vote: Vote,
    pub prev: Option<LogId>,
    pub entries: Vec<Entry>,
    pub commit: Option<LogId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// All entries up to this one are stored durably.
    Matching(Option<LogId>),
    Conflict(LogId),
    HigherVote(Vote),
}

/// Head of a snapshot. The bytes follow in chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub vote: Vote,
    pub last: Option<LogId>,
    pub membership_at: Option<LogId>,
    pub membership: Bytes,
    pub bytes: u64,
    /// CRC of all bytes.
    pub crc: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct EntryMessage {
    #[prost(message, optional, tag = "1")]
    log_id: Option<LogIdMessage>,
    #[prost(uint32, optional, tag = "2")]
    kind: Option<u32>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    payload: Option<Bytes>,
}

impl From<&Entry> for EntryMessage {
    fn from(e: &Entry) -> Self {
        let kind = match e.kind {
            EntryKind::Blank => 1,
            EntryKind::Command => 2,
            EntryKind::Membership => 3,
        };
        Self {
            log_id: Some(e.log_id.into()),
            kind: Some(kind),
            payload: Some(e.payload.clone()),
        }
    }
}

impl TryFrom<EntryMessage> for Entry {
    type Error = FrameError;
    fn try_from(m: EntryMessage) -> Result<Self, FrameError> {
        Ok(Self {
            log_id: need(m.log_id, "entry's log id")?.try_into()?,
            kind: match m.kind {
                Some(1) => EntryKind::Blank,
                Some(2) => EntryKind::Command,
                Some(3) => EntryKind::Membership,
                _ => return Err(FrameError::Field("entry's kind")),
            },
            payload: need(m.payload, "entry's payload")?,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AppendMessage {
    #[prost(message, optional, tag = "1")]
    vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "2")]
    prev: Option<LogIdMessage>,
    #[prost(message, repeated, tag = "3")]
    entries: Vec<EntryMessage>,
    #[prost(message, optional, tag = "4")]
    commit: Option<LogIdMessage>,
}

impl From<&Append> for AppendMessage {
    fn from(a: &Append) -> Self {
        Self {
            vote: Some(a.vote.into()),
            prev: a.prev.map(Into::into),
            entries: a.entries.iter().map(Into::into).collect(),
            commit: a.commit.map(Into::into),
        }
    }
}

impl TryFrom<AppendMessage> for Append {
    type Error = FrameError;
    fn try_from(m: AppendMessage) -> Result<Self, FrameError> {
        Ok(Self {
            vote: vote(m.vote)?,
            prev: log_id(m.prev)?,
            entries: m
                .entries
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            commit: log_id(m.commit)?,
        })
    }
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct AppendedMessage {
    /// 1 matching, 2 conflict, 3 higher vote.
    #[prost(uint32, optional, tag = "1")]
    kind: Option<u32>,
    #[prost(message, optional, tag = "2")]
    log_id: Option<LogIdMessage>,
    #[prost(message, optional, tag = "3")]
    vote: Option<VoteMessage>,
    /// Set if the member's disk is full. Older versions neither set nor read it.
    #[prost(bool, optional, tag = "4")]
    full: Option<bool>,
    /// The member's wall clock, in nanoseconds since 1970. Older versions neither set nor read it.
    #[prost(sfixed64, optional, tag = "5")]
    clock: Option<i64>,
}

impl AppendedMessage {
    pub(super) fn with_report(self, report: MemberReport) -> Self {
        Self {
            full: report.full.then_some(true),
            clock: report.clock.map(|clock| clock.0),
            ..self
        }
    }

    pub(super) fn report(&self) -> MemberReport {
        MemberReport {
            full: self.full == Some(true),
            clock: self.clock.map(UnixNanos),
        }
    }
}

impl From<&Appended> for AppendedMessage {
    fn from(a: &Appended) -> Self {
        match *a {
            Appended::Matching(id) => Self {
                kind: Some(1),
                log_id: id.map(Into::into),
                ..Self::default()
            },
            Appended::Conflict(id) => Self {
                kind: Some(2),
                log_id: Some(id.into()),
                ..Self::default()
            },
            Appended::HigherVote(vote) => Self {
                kind: Some(3),
                vote: Some(vote.into()),
                ..Self::default()
            },
        }
    }
}

impl TryFrom<AppendedMessage> for Appended {
    type Error = FrameError;
    fn try_from(m: AppendedMessage) -> Result<Self, FrameError> {
        match m.kind {
            Some(1) => Ok(Self::Matching(log_id(m.log_id)?)),
            Some(2) => Ok(Self::Conflict(need(
                log_id(m.log_id)?,
                "conflicting log id",
            )?)),
            Some(3) => Ok(Self::HigherVote(vote(m.vote)?)),
            _ => Err(FrameError::Field("kind of answer")),
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SnapshotMessage {
    #[prost(message, optional, tag = "1")]
    vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "2")]
    last: Option<LogIdMessage>,
    #[prost(message, optional, tag = "3")]
    membership_at: Option<LogIdMessage>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    membership: Option<Bytes>,
    #[prost(uint64, optional, tag = "5")]
    bytes: Option<u64>,
    #[prost(fixed32, optional, tag = "6")]
    crc: Option<u32>,
}

impl From<&Snapshot> for SnapshotMessage {
    fn from(s: &Snapshot) -> Self {
        Self {
            vote: Some(s.vote.into()),
            last: s.last.map(Into::into),
            membership_at: s.membership_at.map(Into::into),
            membership: Some(s.membership.clone()),
            bytes: Some(s.bytes),
            crc: Some(s.crc),
        }
    }
}

impl TryFrom<SnapshotMessage> for Snapshot {
    type Error = FrameError;
    fn try_from(m: SnapshotMessage) -> Result<Self, FrameError> {
        Ok(Self {
            vote: vote(m.vote)?,
            last: log_id(m.last)?,
            membership_at: log_id(m.membership_at)?,
            membership: need(m.membership, "membership")?,
            bytes: need(m.bytes, "bytes")?,
            crc: need(m.crc, "checksum")?,
        })
    }
}
