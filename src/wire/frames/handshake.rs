//! Frames of the handshake, before any Raft byte (transport.md, "Handshake"; founding.md 5.4, 7
//! and 11).

use bytes::Bytes;

use super::convert::{ReplicaMessage, StartsMessage, array, need};
use super::{FrameError, Replica};
use crate::base::Address;
use crate::wire::identity::Starts;

/// Purpose of a connection. Each purpose has its own, so that a large batch does not delay a
/// heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Append,
    /// Heartbeats, votes, leadership transfer.
    Control,
    Snapshot,
}

/// First frame, from the dialler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub versions: (u32, u32),
    pub lane: Lane,
    pub sender: Replica,
    pub sender_http: Address,
    pub receiver: Replica,
    pub starts: Starts,
    pub nonce: [u8; 32],
}

/// Answer of the listener. In version 1 its identity, and its proof when it has a secret; from
/// version 2 on only its nonce, with the other fields empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub version: u32,
    pub nonce: [u8; 32],
    /// `None` when the listener belongs to no cluster.
    pub callee: Option<Replica>,
    pub starts: Starts,
    pub proof: Option<[u8; 32]>,
}

/// Proof of the dialler in version 1. `None` when it has no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof(pub Option<[u8; 32]>);

/// Proofs of the dialler from version 2 on, one for each of its keys. Empty when it has no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs(pub Vec<[u8; 32]>);

/// Identity of the listener from version 2 on, after the dialler's proof, with its own proof when
/// it has a secret. It comes before the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerIdentity {
    /// `None` when the listener belongs to no cluster.
    pub callee: Option<Replica>,
    pub starts: Starts,
    pub proof: Option<[u8; 32]>,
}

/// Reason why the listener closes the connection, for programs. The text beside it is for
/// operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedFrame {
    Other = 0,
    Version = 1,
    NotMe = 2,
    NotOpen = 3,
    Tombstoned = 4,
    WrongSecret = 5,
    MissingSecret = 6,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: RefusedFrame,
    pub text: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HelloMessage {
    #[prost(uint32, optional, tag = "1")]
    min: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    max: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    lane: Option<u32>,
    #[prost(message, optional, tag = "4")]
    sender: Option<ReplicaMessage>,
    #[prost(bytes = "bytes", optional, tag = "5")]
    sender_http: Option<Bytes>,
    #[prost(message, optional, tag = "6")]
    receiver: Option<ReplicaMessage>,
    #[prost(message, optional, tag = "7")]
    starts: Option<StartsMessage>,
    #[prost(bytes = "bytes", optional, tag = "8")]
    nonce: Option<Bytes>,
}

impl From<&Hello> for HelloMessage {
    fn from(h: &Hello) -> Self {
        let lane = match h.lane {
            Lane::Append => 1,
            Lane::Control => 2,
            Lane::Snapshot => 3,
        };
        Self {
            min: Some(h.versions.0),
            max: Some(h.versions.1),
            lane: Some(lane),
            sender: Some((&h.sender).into()),
            sender_http: Some(h.sender_http.to_string().into()),
            receiver: Some((&h.receiver).into()),
            starts: Some((&h.starts).into()),
            nonce: Some(Bytes::copy_from_slice(&h.nonce)),
        }
    }
}

impl TryFrom<HelloMessage> for Hello {
    type Error = FrameError;
    fn try_from(m: HelloMessage) -> Result<Self, FrameError> {
        let http = need(m.sender_http, "sender's http address")?;
        let http = std::str::from_utf8(&http)
            .ok()
            .and_then(|text| text.parse().ok());
        Ok(Self {
            versions: (
                need(m.min, "lowest version")?,
                need(m.max, "highest version")?,
            ),
            lane: match m.lane {
                Some(1) => Lane::Append,
                Some(2) => Lane::Control,
                Some(3) => Lane::Snapshot,
                _ => return Err(FrameError::Field("lane")),
            },
            sender: need(m.sender, "sender")?.try_into()?,
            sender_http: need(http, "sender's http address")?,
            receiver: need(m.receiver, "receiver")?.try_into()?,
            starts: need(m.starts, "starts")?.try_into()?,
            nonce: array(m.nonce, "nonce")?,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ChallengeMessage {
    #[prost(uint32, optional, tag = "1")]
    version: Option<u32>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    nonce: Option<Bytes>,
    #[prost(message, optional, tag = "3")]
    callee: Option<ReplicaMessage>,
    #[prost(message, optional, tag = "4")]
    starts: Option<StartsMessage>,
    #[prost(bytes = "bytes", optional, tag = "5")]
    proof: Option<Bytes>,
}

impl From<&Challenge> for ChallengeMessage {
    fn from(c: &Challenge) -> Self {
        Self {
            version: Some(c.version),
            nonce: Some(Bytes::copy_from_slice(&c.nonce)),
            callee: c.callee.as_ref().map(Into::into),
            starts: Some((&c.starts).into()),
            proof: c.proof.map(|p| Bytes::copy_from_slice(&p)),
        }
    }
}

impl TryFrom<ChallengeMessage> for Challenge {
    type Error = FrameError;
    fn try_from(m: ChallengeMessage) -> Result<Self, FrameError> {
        Ok(Self {
            version: need(m.version, "version")?,
            nonce: array(m.nonce, "nonce")?,
            callee: m.callee.map(TryInto::try_into).transpose()?,
            starts: need(m.starts, "starts")?.try_into()?,
            proof: m.proof.map(|p| array(Some(p), "proof")).transpose()?,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProofMessage {
    #[prost(bytes = "bytes", optional, tag = "1")]
    proof: Option<Bytes>,
}

impl From<&Proof> for ProofMessage {
    fn from(p: &Proof) -> Self {
        Self {
            proof: p.0.map(|p| Bytes::copy_from_slice(&p)),
        }
    }
}

impl TryFrom<ProofMessage> for Proof {
    type Error = FrameError;
    fn try_from(m: ProofMessage) -> Result<Self, FrameError> {
        Ok(Self(m.proof.map(|p| array(Some(p), "proof")).transpose()?))
    }
}

/// Maximum number of proofs in one frame. A dialler has one key, or two while the secret is
/// changed.
const MAX_PROOFS: usize = 4;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProofsMessage {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    proofs: Vec<Bytes>,
}

impl From<&Proofs> for ProofsMessage {
    fn from(p: &Proofs) -> Self {
        let bytes = |proof: &[u8; 32]| Bytes::copy_from_slice(proof);
        Self {
            proofs: p.0.iter().map(bytes).collect(),
        }
    }
}

impl TryFrom<ProofsMessage> for Proofs {
    type Error = FrameError;
    fn try_from(m: ProofsMessage) -> Result<Self, FrameError> {
        if m.proofs.len() > MAX_PROOFS {
            return Err(FrameError::Field("proofs"));
        }
        let proofs = m.proofs.into_iter().map(|p| array(Some(p), "proof"));
        Ok(Self(proofs.collect::<Result<_, _>>()?))
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ListenerIdentityMessage {
    #[prost(message, optional, tag = "1")]
    callee: Option<ReplicaMessage>,
    #[prost(message, optional, tag = "2")]
    starts: Option<StartsMessage>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    proof: Option<Bytes>,
}

impl From<&ListenerIdentity> for ListenerIdentityMessage {
    fn from(i: &ListenerIdentity) -> Self {
        Self {
            callee: i.callee.as_ref().map(Into::into),
            starts: Some((&i.starts).into()),
            proof: i.proof.map(|p| Bytes::copy_from_slice(&p)),
        }
    }
}

impl TryFrom<ListenerIdentityMessage> for ListenerIdentity {
    type Error = FrameError;
    fn try_from(m: ListenerIdentityMessage) -> Result<Self, FrameError> {
        Ok(Self {
            callee: m.callee.map(TryInto::try_into).transpose()?,
            starts: need(m.starts, "starts")?.try_into()?,
            proof: m.proof.map(|p| array(Some(p), "proof")).transpose()?,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RefusedMessage {
    #[prost(uint32, optional, tag = "1")]
    code: Option<u32>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    text: Option<Bytes>,
}

impl From<&Refused> for RefusedMessage {
    fn from(r: &Refused) -> Self {
        Self {
            code: Some(r.code as u32),
            text: Some(r.text.clone().into()),
        }
    }
}

impl TryFrom<RefusedMessage> for Refused {
    type Error = FrameError;
    fn try_from(m: RefusedMessage) -> Result<Self, FrameError> {
        let code = match need(m.code, "code")? {
            1 => RefusedFrame::Version,
            2 => RefusedFrame::NotMe,
            3 => RefusedFrame::NotOpen,
            4 => RefusedFrame::Tombstoned,
            5 => RefusedFrame::WrongSecret,
            6 => RefusedFrame::MissingSecret,
            // A reason that only a later version knows. Its text is still shown.
            _ => RefusedFrame::Other,
        };
        let text = need(m.text, "text")?;
        Ok(Self {
            code,
            text: String::from_utf8_lossy(&text).into_owned(),
        })
    }
}
