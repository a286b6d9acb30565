//! Receiving side of the lanes: reads frames, writes the Raft node's answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;

use super::conn::{Conn, ConnError, within};
use super::convert::{
    appended, open_append, transfer_request, transferred, vote_answer, vote_request,
};
use super::limits::{IDLE_TIMEOUT, MAX_IN_FLIGHT, WRITE_TIMEOUT};
use super::{snapshot, validate};
use crate::raft::Replica;
use crate::raft::contact::Contact;
use crate::raft::state_machine::OpenRaft;
use crate::runtime::{Clock, Tasks, lock};
use crate::storage::{AttemptNote, Log, Room, RoomPermit, RoomUse, record_bytes};
use crate::wire::frames::{Append, Frame, Lane, MemberReport};

/// Timeout for this node's own answer. Its Raft waits for the disk. While the disk hangs,
/// connections of callers that gave up must not accumulate.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The Raft node that connections are served for.
pub(in crate::raft) struct AttachedNode {
    pub(in crate::raft) me: Replica,
    pub(in crate::raft) raft: OpenRaft,
    pub(in crate::raft) log: Log,
    /// Note of the snapshot that is being received or loaded.
    pub(in crate::raft) load_note: AttemptNote,
    pub(in crate::raft) tasks: Tasks,
    pub(in crate::raft) contact: Contact,
    pub(in crate::raft) clock: Arc<dyn Clock>,
}

/// Serves one exchange after the other until the connection ends. The first bad frame ends it.
pub(super) async fn serve(
    conn: &mut Conn,
    lane: Lane,
    node: &AttachedNode,
) -> Result<(), ConnError> {
    let (raft, me) = (&node.raft, node.me.raft_id);
    loop {
        let frame = match conn.next_within(IDLE_TIMEOUT).await {
            Err(ConnError::Closed) => return Ok(()),
            frame => frame?,
        };
        match (lane, frame) {
            (_, Frame::Idle) => {}
            (Lane::Append | Lane::Control, Frame::Append(first)) => {
                serve_appends(conn, node, first).await?
            }
            (Lane::Control, Frame::Vote(ask)) => {
                validate::vote(&ask, me)?;
                let asked = within(ANSWER_TIMEOUT, raft.vote(vote_request(ask))).await?;
                reply(conn, asked.map(vote_answer)).await?;
            }
            (Lane::Control, Frame::PreVote(ask)) => {
                validate::vote(&ask, me)?;
                let asked = within(ANSWER_TIMEOUT, raft.pre_vote(vote_request(ask))).await?;
                reply(conn, asked.map(vote_answer)).await?;
            }
            (Lane::Control, Frame::Transfer(transfer)) => {
                let done = within(
                    ANSWER_TIMEOUT,
                    raft.handle_transfer_leader(transfer_request(transfer)),
                )
                .await?;
                reply(conn, done.map(transferred)).await?;
            }
            (Lane::Snapshot, Frame::Snapshot(head)) => {
                validate::snapshot(&head, me)?;
                match snapshot::receive(conn, node, head).await {
                    Err(ConnError::Full) => conn.send(Frame::Full).await?,
                    installed => reply(conn, installed?.map(Frame::Installed)).await?,
                }
            }
            _ => return Err(ConnError::Unexpected),
        }
    }
}

/// Sends an answer, or the text of the error instead. Without one the sender would take the silence
/// for a broken network.
async fn reply(
    conn: &mut Conn,
    answer: Result<Frame, impl std::fmt::Display>,
) -> Result<(), ConnError> {
    let frame = answer.unwrap_or_else(|error| Frame::Failed(error.to_string()));
    conn.send(frame).await
}

/// Serves one stream of append requests, up to its end frame. Answers are sent in the order of the
/// requests.
async fn serve_appends(
    conn: &mut Conn,
    node: &AttachedNode,
    first: Append,
) -> Result<(), ConnError> {
    let leader = first.vote.node;
    let (requests, mut incoming) = mpsc::channel(MAX_IN_FLIGHT);
    let input = futures_util::stream::poll_fn(move |cx| incoming.poll_recv(cx));
    let answers = node.raft.stream_append(input);
    let (mut sink, mut source) = (&mut conn.framed).split();
    // Permits of the requests that are not answered yet, oldest first.
    let permits: Mutex<VecDeque<Option<RoomPermit>>> = Mutex::default();

    let read = async {
        let requests = requests;
        let mut request = Some(first);
        loop {
            if let Some(append) = request.take() {
                validate::append(&append, node.me.raft_id)?;
                // Refused before openraft has them: a write that fails would end this node. A
                // heartbeat has no entries and is always answered.
                let Ok(permit) = accept(&node.log, &append) else {
                    return Ok(StreamEnd::Full);
                };
                lock(&permits).push_back(permit);
                // After a conflict or a higher vote nothing receives requests any more. Those
                // already sent are read and dropped.
                drop(requests.send(open_append(append)?).await);
            }
            let next = within(IDLE_TIMEOUT, source.next()).await?;
            match next.ok_or(ConnError::Closed)?? {
                Frame::Append(append) => request = Some(append),
                Frame::Idle => {}
                Frame::End => return Ok(StreamEnd::Clean),
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
                node.contact.heard(leader);
            }
            lock(&permits).pop_front();
            let report = MemberReport {
                full: node.log.room() == Room::Full,
                clock: Some(node.clock.now()),
            };
            let frame = match answer {
                Ok(result) => Frame::AppendedWith(appended(result), report),
                Err(fatal) => Frame::Failed(fatal.to_string()),
            };
            within(WRITE_TIMEOUT, sink.send(frame)).await??;
        }
        Ok(())
    };
    let (end, ()) = tokio::try_join!(read, write)?;
    match end {
        StreamEnd::Clean => within(WRITE_TIMEOUT, sink.send(Frame::End)).await?,
        StreamEnd::Full => {
            within(WRITE_TIMEOUT, sink.send(Frame::Full)).await??;
            Err(ConnError::Full)
        }
    }
}

/// End of a stream of append requests.
enum StreamEnd {
    Clean,
    /// This node has no room for the entries of a request.
    Full,
}

/// Accepts the entries of a request; `None` if it has none.
fn accept(log: &Log, append: &Append) -> Result<Option<RoomPermit>, Room> {
    if append.entries.is_empty() {
        return Ok(None);
    }
    let bytes = record_bytes(append.entries.iter().map(|entry| entry.payload.len()));
    log.accept(bytes, RoomUse::Replication).map(Some)
}
