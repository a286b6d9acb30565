//! openraft's client of one member.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use openraft::OptionalSend;
use openraft::alias::SnapshotOf;
use openraft::base::{BoxFuture, BoxStream};
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{
    Backoff, NetBackoff, NetSnapshot, NetStreamAppend, NetTransferLeader, NetVote, RPCOption,
};
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, StreamAppendResult, TransferLeaderError,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use tokio::time::timeout;

use super::conn::{Conn, ConnError};
use super::convert::rpc_error;
use super::peer::Peer;
use super::{snapshot, stream};
use crate::raft::Timers;
use crate::raft::types::{OpenVote, Types, log_id, open_log_id, open_vote, vote};
use crate::wire::frames::{Frame, Lane, MemberReport, Transfer, Transferred, VoteAsk};

pub(in crate::raft) struct MemberClient {
    peer: Arc<Peer>,
    /// Lane of this client's append requests. Votes and transfers always take the control lane.
    lane: Lane,
    timers: Timers,
}

impl MemberClient {
    pub(super) fn new(peer: Arc<Peer>, lane: Lane, timers: Timers) -> Self {
        Self { peer, lane, timers }
    }

    async fn connect(&self, lane: Lane) -> Result<Conn, RPCError<Types>> {
        self.peer
            .connection(lane)
            .await
            .map_err(|error| RPCError::Unreachable(Unreachable::new(&*error)))
    }

    /// Sends one request and returns its answer. The connection is returned to the peer only when
    /// both are complete.
    async fn exchange(&self, request: Frame, wait: Duration) -> Result<Frame, RPCError<Types>> {
        let mut conn = self.connect(Lane::Control).await?;
        let exchange = async {
            conn.send(request).await?;
            match conn.next().await? {
                Frame::Failed(text) => Err(ConnError::Failed(text)),
                Frame::Full => Err(ConnError::Full),
                frame => Ok(frame),
            }
        };
        let answer = timeout(wait, exchange)
            .await
            .unwrap_or(Err(ConnError::Late(wait)))
            .map_err(rpc_error)?;
        self.peer.return_connection(Lane::Control, conn);
        Ok(answer)
    }

    /// Requests a vote. An error never counts as a granted vote: openraft counts only answers.
    async fn request_vote(
        &self,
        ask: fn(VoteAsk) -> Frame,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let request = ask(VoteAsk {
            vote: vote(&request.vote),
            last: request.last_log_id.map(log_id),
            transfer: request.leadership_transfer,
        });
        match self.exchange(request, option.hard_ttl()).await? {
            Frame::VoteAnswer(answer) => {
                let last = answer.last.map(open_log_id);
                Ok(VoteResponse::new(
                    open_vote(answer.vote),
                    last,
                    answer.granted,
                ))
            }
            _ => Err(rpc_error(ConnError::Unexpected)),
        }
    }
}

impl NetStreamAppend<Types> for MemberClient {
    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        _option: RPCOption,
    ) -> BoxFuture<
        's,
        Result<BoxStream<'s, Result<StreamAppendResult<Types>, RPCError<Types>>>, RPCError<Types>>,
    >
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            let mut input = input;
            // openraft waits for its backoff when it is asked for the next request. If we dialled
            // first, an unreachable member would be dialled thousands of times a second.
            let Some(first) = input.next().await else {
                return Ok(Box::pin(futures_util::stream::empty()) as BoxStream<'s, _>);
            };
            let conn = self.connect(self.lane).await?;
            let input = futures_util::stream::iter([first]).chain(input);
            let session =
                stream::AppendSession::new(conn, input, self.timers.append_answer_timeout);
            let answers: BoxStream<'s, _> =
                Box::pin(stream::answers(session, &self.peer, self.lane));
            Ok(answers)
        })
    }
}

impl NetVote<Types> for MemberClient {
    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        self.request_vote(Frame::Vote, request, option).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        self.request_vote(Frame::PreVote, request, option).await
    }
}

impl NetTransferLeader<Types> for MemberClient {
    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RPCError<Types>> {
        let request = Frame::Transfer(Transfer {
            from: vote(request.from_leader()),
            to: crate::base::RaftId(*request.to_node_id()),
            last: request.last_log_id().copied().map(log_id),
        });
        match self.exchange(request, option.hard_ttl()).await? {
            Frame::Transferred(Transferred::Done) => Ok(Ok(())),
            Frame::Transferred(Transferred::VoteChanged { expected, actual }) => {
                let (expected, actual) = (open_vote(expected), open_vote(actual));
                Ok(Err(TransferLeaderError::VoteChanged { expected, actual }))
            }
            Frame::Transferred(Transferred::Behind { expected, actual }) => {
                let (expected, actual) = (expected.map(open_log_id), actual.map(open_log_id));
                Ok(Err(TransferLeaderError::LogNotFlushed { expected, actual }))
            }
            _ => Err(rpc_error(ConnError::Unexpected)),
        }
    }
}

impl NetSnapshot<Types> for MemberClient {
    type SnapshotData = Bytes;

    async fn full_snapshot(
        &mut self,
        leader: OpenVote,
        snapshot: SnapshotOf<Types, Bytes>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let mut conn = self.connect(Lane::Snapshot).await?;
        let sent = tokio::select! {
            biased;
            closed = cancel => return Err(closed.into()),
            sent = snapshot::send(&mut conn, &leader, snapshot, option.hard_ttl()) => sent,
        };
        if matches!(sent, Err(ConnError::Full)) {
            self.peer.note(MemberReport {
                full: true,
                clock: None,
            });
        }
        let theirs = sent.map_err(rpc_error)?;
        self.peer.return_connection(Lane::Snapshot, conn);
        Ok(SnapshotResponse::new(open_vote(theirs)))
    }
}

impl NetBackoff<Types> for MemberClient {
    /// Constant delay: a dial is cheap, and a member that comes back must catch up at once.
    fn backoff(&self) -> Option<Backoff> {
        Some(Backoff::new(std::iter::repeat(
            self.timers.append_retry_delay,
        )))
    }
}
