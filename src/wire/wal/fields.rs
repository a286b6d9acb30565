//! Fields of fixed length, read and written in order.

use super::Vote;
use crate::base::{LogId, RaftId};

/// Reads fields from the front. Returns `None` once there are too few bytes.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn log_id(&mut self) -> Option<LogId> {
        Some(LogId {
            term: self.u64()?,
            index: self.u64()?,
        })
    }

    /// Reads a log id that may be absent; its length is the same in both cases.
    pub(super) fn optional_log_id(&mut self) -> Option<Option<LogId>> {
        let present = self.flag()?;
        let log_id = self.log_id()?;
        Some(present.then_some(log_id))
    }

    pub(super) fn vote(&mut self) -> Option<Vote> {
        Some(Vote {
            committed: self.flag()?,
            term: self.u64()?,
            node: RaftId(self.u64()?),
        })
    }

    pub(super) fn optional_vote(&mut self) -> Option<Option<Vote>> {
        let present = self.flag()?;
        let vote = self.vote()?;
        Some(present.then_some(vote))
    }
}

pub(super) fn put_log_id(out: &mut Vec<u8>, id: LogId) {
    out.extend_from_slice(&id.term.to_le_bytes());
    out.extend_from_slice(&id.index.to_le_bytes());
}

pub(super) fn put_optional_log_id(out: &mut Vec<u8>, id: Option<LogId>) {
    out.push(u8::from(id.is_some()));
    put_log_id(out, id.unwrap_or_default());
}

pub(super) fn put_vote(out: &mut Vec<u8>, vote: Vote) {
    out.push(u8::from(vote.committed));
    out.extend_from_slice(&vote.term.to_le_bytes());
    out.extend_from_slice(&vote.node.0.to_le_bytes());
}

pub(super) fn put_optional_vote(out: &mut Vec<u8>, vote: Option<Vote>) {
    out.push(u8::from(vote.is_some()));
    put_vote(
        out,
        vote.unwrap_or(Vote {
            term: 0,
            node: RaftId(0),
            committed: false,
        }),
    );
}
