//! Frames of elections: votes, and the transfer of leadership.

use super::FrameError;
use super::convert::{LogIdMessage, log_id, need};
use crate::base::{LogId, RaftId};
pub use crate::wire::wal::Vote;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteAsk {
    pub vote: Vote,
    pub last: Option<LogId>,
    pub transfer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteAnswer {
    pub vote: Vote,
    pub granted: bool,
    pub last: Option<LogId>,
}

/// Transfer of leadership from the leader with this vote to `to`, once `to` has all entries up to
/// `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub from: Vote,
    pub to: RaftId,
    pub last: Option<LogId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transferred {
    Done,
    VoteChanged {
        expected: Vote,
        actual: Vote,
    },
    Behind {
        expected: Option<LogId>,
        actual: Option<LogId>,
    },
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct VoteMessage {
    #[prost(uint64, optional, tag = "1")]
    term: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    node: Option<u64>,
    #[prost(bool, optional, tag = "3")]
    committed: Option<bool>,
}

impl From<Vote> for VoteMessage {
    fn from(v: Vote) -> Self {
        Self {
            term: Some(v.term),
            node: Some(v.node.0),
            committed: Some(v.committed),
        }
    }
}

impl TryFrom<VoteMessage> for Vote {
    type Error = FrameError;
    fn try_from(m: VoteMessage) -> Result<Self, FrameError> {
        Ok(Self {
            term: need(m.term, "vote's term")?,
            node: RaftId(need(m.node, "vote's node")?),
            committed: need(m.committed, "vote's committed")?,
        })
    }
}

pub(super) fn vote(m: Option<VoteMessage>) -> Result<Vote, FrameError> {
    need(m, "vote")?.try_into()
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct VoteAskMessage {
    #[prost(message, optional, tag = "1")]
    vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "2")]
    last: Option<LogIdMessage>,
    #[prost(bool, optional, tag = "3")]
    transfer: Option<bool>,
}

impl From<&VoteAsk> for VoteAskMessage {
    fn from(v: &VoteAsk) -> Self {
        Self {
            vote: Some(v.vote.into()),
            last: v.last.map(Into::into),
            transfer: Some(v.transfer),
        }
    }
}

impl TryFrom<VoteAskMessage> for VoteAsk {
    type Error = FrameError;
    fn try_from(m: VoteAskMessage) -> Result<Self, FrameError> {
        Ok(Self {
            vote: vote(m.vote)?,
            last: log_id(m.last)?,
            transfer: need(m.transfer, "transfer")?,
        })
    }
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct VoteAnswerMessage {
    #[prost(message, optional, tag = "1")]
    vote: Option<VoteMessage>,
    #[prost(bool, optional, tag = "2")]
    granted: Option<bool>,
    #[prost(message, optional, tag = "3")]
    last: Option<LogIdMessage>,
}

impl From<&VoteAnswer> for VoteAnswerMessage {
    fn from(v: &VoteAnswer) -> Self {
        Self {
            vote: Some(v.vote.into()),
            granted: Some(v.granted),
            last: v.last.map(Into::into),
        }
    }
}

impl TryFrom<VoteAnswerMessage> for VoteAnswer {
    type Error = FrameError;
    fn try_from(m: VoteAnswerMessage) -> Result<Self, FrameError> {
        Ok(Self {
            vote: vote(m.vote)?,
            granted: need(m.granted, "granted")?,
            last: log_id(m.last)?,
        })
    }
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct TransferMessage {
    #[prost(message, optional, tag = "1")]
    from: Option<VoteMessage>,
    #[prost(uint64, optional, tag = "2")]
    to: Option<u64>,
    #[prost(message, optional, tag = "3")]
    last: Option<LogIdMessage>,
}

impl From<&Transfer> for TransferMessage {
    fn from(t: &Transfer) -> Self {
        Self {
            from: Some(t.from.into()),
            to: Some(t.to.0),
            last: t.last.map(Into::into),
        }
    }
}

impl TryFrom<TransferMessage> for Transfer {
    type Error = FrameError;
    fn try_from(m: TransferMessage) -> Result<Self, FrameError> {
        Ok(Self {
            from: vote(m.from)?,
            to: RaftId(need(m.to, "to")?),
            last: log_id(m.last)?,
        })
    }
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct TransferredMessage {
    /// 1 done, 2 vote changed, 3 behind.
    #[prost(uint32, optional, tag = "1")]
    kind: Option<u32>,
    #[prost(message, optional, tag = "2")]
    expected_vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "3")]
    actual_vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "4")]
    expected: Option<LogIdMessage>,
    #[prost(message, optional, tag = "5")]
    actual: Option<LogIdMessage>,
}

impl From<&Transferred> for TransferredMessage {
    fn from(t: &Transferred) -> Self {
        let mut message = Self::default();
        match *t {
            Transferred::Done => message.kind = Some(1),
            Transferred::VoteChanged { expected, actual } => {
                message.kind = Some(2);
                message.expected_vote = Some(expected.into());
                message.actual_vote = Some(actual.into());
            }
            Transferred::Behind { expected, actual } => {
                message.kind = Some(3);
                message.expected = expected.map(Into::into);
                message.actual = actual.map(Into::into);
            }
        }
        message
    }
}

impl TryFrom<TransferredMessage> for Transferred {
    type Error = FrameError;
    fn try_from(m: TransferredMessage) -> Result<Self, FrameError> {
        match m.kind {
            Some(1) => Ok(Self::Done),
            Some(2) => Ok(Self::VoteChanged {
                expected: vote(m.expected_vote)?,
                actual: vote(m.actual_vote)?,
            }),
            Some(3) => Ok(Self::Behind {
                expected: log_id(m.expected)?,
                actual: log_id(m.actual)?,
            }),
            _ => Err(FrameError::Field("kind of answer")),
        }
    }
}
