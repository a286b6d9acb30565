//! A snapshot on its way: head, chunks with checksums, end; and the receiver's vote when it is
//! installed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use openraft::alias::{SnapshotMetaOf, SnapshotOf};
use openraft::errors::Fatal;

use super::conn::{Conn, ConnError, within};
use super::limits::CHUNK_BYTES;
use crate::raft::state_machine::OpenRaft;
use crate::raft::types::{
    OpenVote, StoredMembership, Types, log_id, membership_bytes, open_log_id, open_membership,
    open_vote, vote,
};
use crate::wire::frames::{self, Frame, FrameError, Vote};

/// Far beyond any catalog, well below what would hurt: the bytes are held in memory.
const MAX_SNAPSHOT_BYTES: u64 = 1024 * 1024 * 1024;
/// A chunk is a megabyte: even a slow link brings one in this time.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(30);
/// For this node to decode and store it. Longer than its sender waits (`config::INSTALL`), who then
/// asks again.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(120);

/// Sends all of it and waits for the member to have it on disk. Each step has its deadline.
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
        _ => Err(ConnError::Unexpected),
    }
}

/// Receives all of it, then installs it. The inner error goes back to the sender.
pub(super) async fn receive(
    conn: &mut Conn,
    raft: &OpenRaft,
    head: frames::Snapshot,
) -> Result<Result<Vote, Fatal<Types>>, ConnError> {
    if head.bytes > MAX_SNAPSHOT_BYTES {
        return Err(ConnError::SnapshotTooLarge { bytes: head.bytes });
    }
    let bytes = collect(conn, &head).await?;
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

/// Grows with what arrives, never with what was announced.
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
