//! Frames as values, and as bytes after their length.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::convert::need;
use super::election::{
    TransferMessage, TransferredMessage, VoteAnswerMessage, VoteAskMessage, VoteMessage,
};
use super::handshake::{
    ChallengeMessage, HelloMessage, ListenerIdentityMessage, ProofMessage, ProofsMessage,
    RefusedMessage,
};
use super::log::{AppendMessage, AppendedMessage, SnapshotMessage};
use super::{
    Append, Appended, Challenge, Hello, ListenerIdentity, Proof, Proofs, Refused, Snapshot,
    Transfer, Transferred, Vote, VoteAnswer, VoteAsk,
};
use super::{FrameError, LENGTH_BYTES};
use crate::base::UnixNanos;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Hello(Hello),
    Challenge(Challenge),
    Proof(Proof),
    Accepted,
    Refused(Refused),

    Append(Append),
    Appended(Appended),
    /// The answer to an append request, with a report of the member. An older version reads it as
    /// [`Frame::Appended`].
    AppendedWith(Appended, MemberReport),
    /// End of the exchange in this direction. The connection may be used for another one.
    End,
    /// Keepalive of an idle stream.
    Idle,

    Vote(VoteAsk),
    PreVote(VoteAsk),
    VoteAnswer(VoteAnswer),
    Transfer(Transfer),
    Transferred(Transferred),

    Snapshot(Snapshot),
    Chunk(Bytes),
    /// The snapshot is installed, or its sender no longer leads: the receiver's vote shows which.
    Installed(Vote),
    /// The receiver cannot continue this exchange. The text is for the log.
    Failed(String),
    /// The receiver has no room for what was sent. An older version reads it as [`Frame::Failed`].
    Full,

    /// Since version 2.
    Proofs(Proofs),
    /// Since version 2.
    ListenerIdentity(ListenerIdentity),
}

/// State of a member, for its leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberReport {
    /// The disk is full: the leader stops proposing before this member must refuse entries.
    pub full: bool,
    /// Wall clock when the answer was sent; `None` from older versions.
    pub clock: Option<UnixNanos>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct FailedMessage {
    #[prost(bytes = "bytes", optional, tag = "1")]
    text: Option<Bytes>,
    /// 1: the disk is full. Absent: another reason.
    #[prost(uint32, optional, tag = "2")]
    code: Option<u32>,
}

const DISK_FULL: u32 = 1;

/// Appends the whole frame, including its length.
pub fn encode(frame: &Frame, out: &mut BytesMut) {
    match frame {
        Frame::Hello(f) => body(1, &HelloMessage::from(f), out),
        Frame::Challenge(f) => body(2, &ChallengeMessage::from(f), out),
        Frame::Proof(f) => body(3, &ProofMessage::from(f), out),
        Frame::Accepted => body(4, &(), out),
        Frame::Refused(f) => body(5, &RefusedMessage::from(f), out),
        Frame::Append(f) => body(6, &AppendMessage::from(f), out),
        Frame::Appended(f) => body(7, &AppendedMessage::from(f), out),
        Frame::AppendedWith(f, report) => {
            body(7, &AppendedMessage::from(f).with_report(*report), out)
        }
        Frame::End => body(8, &(), out),
        Frame::Idle => body(9, &(), out),
        Frame::Vote(f) => body(10, &VoteAskMessage::from(f), out),
        Frame::PreVote(f) => body(11, &VoteAskMessage::from(f), out),
        Frame::VoteAnswer(f) => body(12, &VoteAnswerMessage::from(f), out),
        Frame::Transfer(f) => body(13, &TransferMessage::from(f), out),
        Frame::Transferred(f) => body(14, &TransferredMessage::from(f), out),
        Frame::Snapshot(f) => body(15, &SnapshotMessage::from(f), out),
        Frame::Chunk(data) => chunk(data, out),
        Frame::Installed(vote) => body(17, &VoteMessage::from(*vote), out),
        Frame::Failed(text) => failed(text.clone(), None, out),
        Frame::Full => failed("the disk is full".to_owned(), Some(DISK_FULL), out),
        Frame::Proofs(f) => body(19, &ProofsMessage::from(f), out),
        Frame::ListenerIdentity(f) => body(20, &ListenerIdentityMessage::from(f), out),
    }
}

/// Decodes kind and body: the bytes that follow the length.
///
/// # Errors
/// See [`FrameError`]. The connection is closed after such a frame.
pub fn decode(mut bytes: Bytes) -> Result<Frame, FrameError> {
    if bytes.is_empty() {
        return Err(FrameError::Empty);
    }
    let kind = bytes.split_to(1)[0];
    Ok(match kind {
        1 => Frame::Hello(message::<HelloMessage>(bytes)?.try_into()?),
        2 => Frame::Challenge(message::<ChallengeMessage>(bytes)?.try_into()?),
        3 => Frame::Proof(message::<ProofMessage>(bytes)?.try_into()?),
        4 => Frame::Accepted,
        5 => Frame::Refused(message::<RefusedMessage>(bytes)?.try_into()?),
        6 => Frame::Append(message::<AppendMessage>(bytes)?.try_into()?),
        7 => answer(message::<AppendedMessage>(bytes)?)?,
        8 => Frame::End,
        9 => Frame::Idle,
        10 => Frame::Vote(message::<VoteAskMessage>(bytes)?.try_into()?),
        11 => Frame::PreVote(message::<VoteAskMessage>(bytes)?.try_into()?),
        12 => Frame::VoteAnswer(message::<VoteAnswerMessage>(bytes)?.try_into()?),
        13 => Frame::Transfer(message::<TransferMessage>(bytes)?.try_into()?),
        14 => Frame::Transferred(message::<TransferredMessage>(bytes)?.try_into()?),
        15 => Frame::Snapshot(message::<SnapshotMessage>(bytes)?.try_into()?),
        16 => Frame::Chunk(checked(bytes)?),
        17 => Frame::Installed(message::<VoteMessage>(bytes)?.try_into()?),
        18 => failure(message::<FailedMessage>(bytes)?)?,
        19 => Frame::Proofs(message::<ProofsMessage>(bytes)?.try_into()?),
        20 => Frame::ListenerIdentity(message::<ListenerIdentityMessage>(bytes)?.try_into()?),
        other => return Err(FrameError::Kind(other)),
    })
}

fn failed(text: String, code: Option<u32>, out: &mut BytesMut) {
    let text = Some(text.into());
    body(18, &FailedMessage { text, code }, out);
}

fn failure(message: FailedMessage) -> Result<Frame, FrameError> {
    let text = need(message.text, "text")?;
    Ok(match message.code {
        Some(DISK_FULL) => Frame::Full,
        _ => Frame::Failed(String::from_utf8_lossy(&text).into_owned()),
    })
}

fn answer(message: AppendedMessage) -> Result<Frame, FrameError> {
    let report = message.report();
    let answer = message.try_into()?;
    Ok(if report == MemberReport::default() {
        Frame::Appended(answer)
    } else {
        Frame::AppendedWith(answer, report)
    })
}

fn body<M: Message>(kind: u8, message: &M, out: &mut BytesMut) {
    let len = 1 + message.encoded_len();
    out.reserve(LENGTH_BYTES + len);
    out.put_u32(len as u32);
    out.put_u8(kind);
    message.encode_raw(out);
}

fn message<M: Message + Default>(body: Bytes) -> Result<M, FrameError> {
    Ok(M::decode(body)?)
}

/// Encodes a chunk: CRC, then the data, without protobuf.
fn chunk(data: &Bytes, out: &mut BytesMut) {
    out.reserve(LENGTH_BYTES + 5 + data.len());
    out.put_u32(5 + data.len() as u32);
    out.put_u8(16);
    out.put_u32(crc32fast::hash(data));
    out.put_slice(data);
}

fn checked(mut body: Bytes) -> Result<Bytes, FrameError> {
    if body.len() < 4 {
        return Err(FrameError::Field("checksum"));
    }
    let crc = body.split_to(4);
    if crc.as_ref() != crc32fast::hash(&body).to_be_bytes() {
        return Err(FrameError::Checksum);
    }
    Ok(body)
}
