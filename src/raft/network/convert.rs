//! Conversions between frames and openraft's requests, responses and errors.

use openraft::errors::{NetworkError, RPCError, Unreachable};
use openraft::raft::{
    AppendEntriesRequest, StreamAppendError, StreamAppendResult, TransferLeaderError,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};

use super::conn::ConnError;
use crate::raft::types::{
    MembershipError, OpenEntry, Types, log_id, open_log_id, open_payload, open_vote, payload, vote,
};
use crate::wire::frames::{
    Append, Appended, Entry, Frame, Transfer, Transferred, VoteAnswer, VoteAsk,
};

pub(super) fn open_append(append: Append) -> Result<AppendEntriesRequest<Types>, MembershipError> {
    let entry = |entry: Entry| {
        let payload = open_payload(entry.kind, entry.payload)?;
        Ok(OpenEntry {
            log_id: open_log_id(entry.log_id),
            payload,
        })
    };
    Ok(AppendEntriesRequest {
        vote: open_vote(append.vote),
        prev_log_id: append.prev.map(open_log_id),
        entries: append
            .entries
            .into_iter()
            .map(entry)
            .collect::<Result<_, MembershipError>>()?,
        leader_commit: append.commit.map(open_log_id),
    })
}

pub(super) fn append_frame(request: AppendEntriesRequest<Types>) -> Append {
    let entry = |entry: OpenEntry| {
        let (kind, payload) = payload(&entry.payload);
        Entry {
            log_id: log_id(entry.log_id),
            kind,
            payload,
        }
    };
    Append {
        vote: vote(&request.vote),
        prev: request.prev_log_id.map(log_id),
        entries: request.entries.into_iter().map(entry).collect(),
        commit: request.leader_commit.map(log_id),
    }
}

pub(super) fn appended(result: StreamAppendResult<Types>) -> Appended {
    match result {
        Ok(matching) => Appended::Matching(matching.map(log_id)),
        Err(StreamAppendError::Conflict(at)) => Appended::Conflict(log_id(at)),
        Err(StreamAppendError::HigherVote(higher)) => Appended::HigherVote(vote(&higher)),
    }
}

pub(super) fn vote_request(ask: VoteAsk) -> VoteRequest<Types> {
    VoteRequest {
        vote: open_vote(ask.vote),
        last_log_id: ask.last.map(open_log_id),
        leadership_transfer: ask.transfer,
    }
}

pub(super) fn vote_answer(response: VoteResponse<Types>) -> Frame {
    Frame::VoteAnswer(VoteAnswer {
        vote: vote(&response.vote),
        granted: response.vote_granted,
        last: response.last_log_id.map(log_id),
    })
}

pub(super) fn transfer_request(transfer: Transfer) -> TransferLeaderRequest<Types> {
    let last = transfer.last.map(open_log_id);
    TransferLeaderRequest::new(open_vote(transfer.from), transfer.to.0, last)
}

pub(super) fn transferred(response: TransferLeaderResponse<Types>) -> Frame {
    Frame::Transferred(match response {
        Ok(()) => Transferred::Done,
        Err(TransferLeaderError::VoteChanged { expected, actual }) => Transferred::VoteChanged {
            expected: vote(&expected),
            actual: vote(&actual),
        },
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => Transferred::Behind {
            expected: expected.map(log_id),
            actual: actual.map(log_id),
        },
    })
}

pub(super) fn open_appended(appended: Appended) -> StreamAppendResult<Types> {
    match appended {
        Appended::Matching(matching) => Ok(matching.map(open_log_id)),
        Appended::Conflict(at) => Err(StreamAppendError::Conflict(open_log_id(at))),
        Appended::HigherVote(higher) => Err(StreamAppendError::HigherVote(open_vote(higher))),
    }
}

pub(super) fn rpc_error(error: ConnError) -> RPCError<Types> {
    match error {
        // The other node's Raft has stopped, or its disk is full: treated as unreachable, so that
        // openraft waits before it tries again.
        ConnError::Failed(_) | ConnError::Full => RPCError::Unreachable(Unreachable::new(&error)),
        error => RPCError::Network(NetworkError::new(&error)),
    }
}
