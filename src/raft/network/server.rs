//! The receiving side of the lanes: frames in, the Raft node's answers out.

use std::future::Future;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::conn::{Conn, ConnError};
use super::{snapshot, validate};
use crate::raft::Replica;
use crate::raft::contact::Contact;
use crate::raft::types::{
    OpenEntry, OpenRaft, Types, log_id, open_log_id, open_payload, open_vote, payload, vote,
};
use crate::wire::frames::{
    Append, Appended, Entry, Frame, Lane, Transfer, Transferred, VoteAnswer, VoteAsk,
};

/// As many requests as a sender has in flight: one is synced while the next is on its way. More
/// would only cut a burst into smaller requests, each with its own wake-ups and its own fsync.
pub(super) const MAX_IN_FLIGHT: usize = 2;
/// Senders write at least every [`super::stream::IDLE_TIMEOUT`]; four times that without a byte, and they
/// are gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Answers are small: who does not take one in this time does not read.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// For this node's own answer. Its Raft waits for the disk, and one that hangs must not gather a
/// connection for each time that somebody asked and gave up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The Raft node that connections are for.
pub(in crate::raft) struct Served {
    pub(in crate::raft) me: Replica,
    pub(in crate::raft) raft: OpenRaft,
    pub(in crate::raft) contact: Contact,
}

/// One exchange after the other, until the connection ends. The first bad frame ends it.
pub(super) async fn run(conn: &mut Conn, lane: Lane, served: &Served) -> Result<(), ConnError> {
    let (raft, me) = (&served.raft, served.me.raft_id);
    loop {
        let frame = match conn.next_within(IDLE_TIMEOUT).await {
            Err(ConnError::Closed) => return Ok(()),
            frame => frame?,
        };
        match (lane, frame) {
            (_, Frame::Idle) => {}
            (Lane::Append | Lane::Control, Frame::Append(first)) => {
                appends(conn, served, first).await?
            }
            (Lane::Control, Frame::Vote(ask)) => {
                validate::vote(&ask, me)?;
                let asked = within(ANSWER_TIMEOUT, raft.vote(vote_request(ask))).await?;
                reply(conn, asked.map(vote_answer).map_err(|e| e.to_string())).await?;
            }
            (Lane::Control, Frame::PreVote(ask)) => {
                validate::vote(&ask, me)?;
                let asked = within(ANSWER_TIMEOUT, raft.pre_vote(vote_request(ask))).await?;
                reply(conn, asked.map(vote_answer).map_err(|e| e.to_string())).await?;
            }
            (Lane::Control, Frame::Transfer(transfer)) => {
                let done = within(
                    ANSWER_TIMEOUT,
                    raft.handle_transfer_leader(transfer_request(transfer)),
                )
                .await?;
                reply(conn, done.map(transferred).map_err(|e| e.to_string())).await?;
            }
            (Lane::Snapshot, Frame::Snapshot(head)) => {
                validate::snapshot(&head, me)?;
                let installed = snapshot::receive(conn, raft, head).await?;
                reply(conn, installed.map(Frame::Installed)).await?;
            }
            _ => return Err(ConnError::Unexpected),
        }
    }
}

/// An answer, or in words why there will be none: the sender must not take silence for a broken
/// network.
async fn reply(conn: &mut Conn, answer: Result<Frame, String>) -> Result<(), ConnError> {
    conn.send(answer.unwrap_or_else(Frame::Failed)).await
}

/// What Raft answers in time; the connection ends if it does not.
pub(super) async fn within<T>(
    wait: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, ConnError> {
    timeout(wait, answer)
        .await
        .map_err(|_| ConnError::Late(wait))
}

/// One stream of append requests, up to its end frame. Answers go out in the order of the requests.
async fn appends(conn: &mut Conn, served: &Served, first: Append) -> Result<(), ConnError> {
    let leader = first.vote.node;
    let (requests, mut incoming) = mpsc::channel(MAX_IN_FLIGHT);
    let input = futures_util::stream::poll_fn(move |cx| incoming.poll_recv(cx));
    let answers = served.raft.stream_append(input);
    let (mut sink, mut source) = (&mut conn.framed).split();

    let read = async move {
        let mut request = Some(first);
        loop {
            if let Some(append) = request.take() {
                validate::append(&append, served.me.raft_id)?;
                // After a conflict or a higher vote nobody takes any more: what is under way is
                // read past.
                drop(requests.send(open_append(append)?).await);
            }
            let next = timeout(IDLE_TIMEOUT, source.next())
                .await
                .map_err(|_| ConnError::Late(IDLE_TIMEOUT))?;
            match next.ok_or(ConnError::Closed)?? {
                Frame::Append(append) => request = Some(append),
                Frame::Idle => {}
                Frame::End => return Ok(()),
                _ => return Err(ConnError::Unexpected),
            }
        }
    };
    let write = async {
        let mut answers = std::pin::pin!(answers);
        while let Some(answer) = answers.next().await {
            if matches!(
                answer,
                Ok(Ok(_) | Err(openraft::raft::StreamAppendError::Conflict(_)))
            ) {
                served.contact.heard(leader);
            }
            let frame = match answer {
                Ok(result) => Frame::Appended(appended(result)),
                Err(fatal) => Frame::Failed(fatal.to_string()),
            };
            timeout(WRITE_TIMEOUT, sink.send(frame))
                .await
                .map_err(|_| ConnError::Late(WRITE_TIMEOUT))??;
        }
        Ok(())
    };
    tokio::try_join!(read, write)?;
    timeout(WRITE_TIMEOUT, sink.send(Frame::End))
        .await
        .map_err(|_| ConnError::Late(WRITE_TIMEOUT))?
}

fn open_append(append: Append) -> Result<openraft::raft::AppendEntriesRequest<Types>, ConnError> {
    let entry = |entry: Entry| {
        let payload = open_payload(entry.kind, entry.payload).map_err(ConnError::Failed)?;
        Ok(OpenEntry {
            log_id: open_log_id(entry.log_id),
            payload,
        })
    };
    Ok(openraft::raft::AppendEntriesRequest {
        vote: open_vote(append.vote),
        prev_log_id: append.prev.map(open_log_id),
        entries: append
            .entries
            .into_iter()
            .map(entry)
            .collect::<Result<_, ConnError>>()?,
        leader_commit: append.commit.map(open_log_id),
    })
}

pub(super) fn append(request: openraft::raft::AppendEntriesRequest<Types>) -> Append {
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

fn appended(result: openraft::raft::StreamAppendResult<Types>) -> Appended {
    match result {
        Ok(matching) => Appended::Matching(matching.map(log_id)),
        Err(openraft::raft::StreamAppendError::Conflict(at)) => Appended::Conflict(log_id(at)),
        Err(openraft::raft::StreamAppendError::HigherVote(higher)) => {
            Appended::HigherVote(vote(&higher))
        }
    }
}

fn vote_request(ask: VoteAsk) -> openraft::raft::VoteRequest<Types> {
    openraft::raft::VoteRequest {
        vote: open_vote(ask.vote),
        last_log_id: ask.last.map(open_log_id),
        leadership_transfer: ask.transfer,
    }
}

fn vote_answer(response: openraft::raft::VoteResponse<Types>) -> Frame {
    Frame::VoteAnswer(VoteAnswer {
        vote: vote(&response.vote),
        granted: response.vote_granted,
        last: response.last_log_id.map(log_id),
    })
}

fn transfer_request(transfer: Transfer) -> openraft::raft::TransferLeaderRequest<Types> {
    let last = transfer.last.map(open_log_id);
    openraft::raft::TransferLeaderRequest::new(open_vote(transfer.from), transfer.to.0, last)
}

fn transferred(response: openraft::raft::TransferLeaderResponse<Types>) -> Frame {
    use openraft::raft::TransferLeaderError::{LogNotFlushed, VoteChanged};
    Frame::Transferred(match response {
        Ok(()) => Transferred::Done,
        Err(VoteChanged { expected, actual }) => Transferred::VoteChanged {
            expected: vote(&expected),
            actual: vote(&actual),
        },
        Err(LogNotFlushed { expected, actual }) => Transferred::Behind {
            expected: expected.map(log_id),
            actual: actual.map(log_id),
        },
    })
}
