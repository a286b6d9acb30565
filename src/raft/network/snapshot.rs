//! Transfer of a snapshot: head, chunks with checksums, end; then the receiver's vote when it is
//! installed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use openraft::alias::{SnapshotMetaOf, SnapshotOf};
use openraft::errors::Fatal;

use super::conn::{Conn, ConnError, within};
use super::limits::CHUNK_BYTES;
use super::server::AttachedNode;
use crate::raft::types::{
    OpenVote, StoredMembership, Types, log_id, membership_bytes, open_log_id, open_membership,
    open_vote, vote,
};
use crate::storage::Noted;
use crate::wire::frames::{self, Frame, FrameError, Vote};

/// Maximum size of a snapshot, far above any catalog. It is held in memory.
const MAX_SNAPSHOT_BYTES: u64 = 1024 * 1024 * 1024;
/// Timeout for a chunk of 1 MiB, also on a slow link.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for decoding and storing it here. Longer than the sender waits (60 s,
/// `config::INSTALL_TIMEOUT`); the sender then tries again.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(120);

/// Sends a snapshot and waits until the member has it on disk. Each step has a timeout.
pub(super) async fn send(
    conn: &mut Conn,
    leader: &OpenVote,
    snapshot: SnapshotOf<Types, Bytes>,
    install: Duration,
) -> Result<Vote, ConnError> {
    let bytes = snapshot.snapshot;
    let head = frames::Snapshot {
        vote: vote(leader),
        last: snapshot.meta.last_log_id.map(log_id),
        membership_at: snapshot.meta.last_membership.log_id().map(log_id),
        membership: membership_bytes(snapshot.meta.last_membership.membership()),
        bytes: bytes.len() as u64,
        crc: crc32fast::hash(&bytes),
    };
    conn.send(Frame::Snapshot(head)).await?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
        conn.send(Frame::Chunk(chunk)).await?;
    }
    conn.send(Frame::End).await?;
    match conn.next_within(install).await? {
        Frame::Installed(theirs) => Ok(theirs),
        Frame::Failed(text) => Err(ConnError::Failed(text)),
        Frame::Full => Err(ConnError::Full),
        _ => Err(ConnError::Unexpected),
    }
}

/// Minimum size of a snapshot that is noted while it is received. A smaller one fits into the memory
/// of any node.
const MIN_NOTED_BYTES: u64 = 1024 * 1024;

/// Receives a snapshot, then installs it. The inner error is sent to the sender.
pub(super) async fn receive(
    conn: &mut Conn,
    node: &AttachedNode,
    head: frames::Snapshot,
) -> Result<Result<Vote, Fatal<Types>>, ConnError> {
    if head.bytes > MAX_SNAPSHOT_BYTES {
        return Err(ConnError::SnapshotTooLarge { bytes: head.bytes });
    }
    let (raft, log) = (&node.raft, &node.log);
    let noted = note(node, &head).await;
    let bytes = collect(conn, &head).await?;
    node.tasks.blocking(move || drop(noted)).await;
    // Refused before openraft has it: a snapshot that cannot be stored would end this node.
    let (free, needed) = log.free_bytes();
    if free < head.bytes.saturating_add(needed / 2) {
        log.room();
        return Err(ConnError::Full);
    }
    let membership = open_membership(&head.membership)?;
    let meta = SnapshotMetaOf::<Types> {
        last_log_id: head.last.map(open_log_id),
        last_membership: StoredMembership::new(head.membership_at.map(open_log_id), membership),
    };
    let snapshot = SnapshotOf::<Types, Bytes> {
        meta,
        snapshot: bytes,
    };
    let installed = within(
        INSTALL_TIMEOUT,
        raft.install_full_snapshot(open_vote(head.vote), snapshot),
    )
    .await?;
    Ok(installed.map(|response| vote(&response.vote)))
}

/// Notes a large snapshot until the returned value is dropped. The note is written outside of the
/// threads that carry Raft: a slow disk delays it.
async fn note(node: &AttachedNode, head: &frames::Snapshot) -> Option<Noted> {
    if head.bytes < MIN_NOTED_BYTES {
        return None;
    }
    let (note, last, bytes) = (node.load_note.clone(), head.last, head.bytes);
    let begin = move || note.hold(last.unwrap_or_default(), bytes);
    Some(node.tasks.blocking(begin).await)
}

/// Collects the chunks. Allocates as chunks arrive, never by the announced size.
async fn collect(conn: &mut Conn, head: &frames::Snapshot) -> Result<Bytes, ConnError> {
    let mut bytes = BytesMut::new();
    loop {
        match conn.next_within(CHUNK_TIMEOUT).await? {
            Frame::Chunk(chunk) if (bytes.len() + chunk.len()) as u64 <= head.bytes => {
                bytes.extend_from_slice(&chunk);
            }
            Frame::End => break,
            _ => return Err(ConnError::Unexpected),
        }
    }
    if bytes.len() as u64 != head.bytes || crc32fast::hash(&bytes) != head.crc {
        return Err(FrameError::Checksum.into());
    }
    Ok(bytes.freeze())
}
