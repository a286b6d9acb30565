//! The handshake that proves identities before the first Raft byte (founding.md 5.4 and 11).
//!
//! `Hello → Challenge → Proof → Accepted | Refused`. Both sides prove the shared secret if they
//! have one. The dialler names the receiver *and its incarnation*, so that a wiped volume never
//! answers under its old name.

use std::net::IpAddr;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::conn::{Conn, ConnError};
use super::liveness::Liveness;
use crate::base::Incarnation;
use crate::raft::{Admission, HandshakeRefusal, Replica};
use crate::runtime::Rng;
use crate::wire::frames::{Challenge, Frame, Hello, Lane, Proof, Refused, RefusedFrame, VERSIONS};
use crate::wire::identity::Starts;

/// Reasons why a handshake ended without a connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::raft) enum HandshakeError {
    #[error(transparent)]
    Conn(#[from] ConnError),
    #[error("{0}")]
    Refused(HandshakeRefusal),
    #[error("no common version: we speak {VERSIONS:?}, they {0:?}")]
    Version((u32, u32)),
}

/// Performs the dialler's side. Ends with a connection to exactly `receiver`, or with none.
pub(super) async fn initiate(
    conn: &mut Conn,
    hello: Hello,
    admission: &Arc<dyn Admission>,
) -> Result<(), HandshakeError> {
    let receiver = hello.receiver;
    conn.send(Frame::Hello(hello.clone())).await?;
    let challenge = match conn.next().await? {
        Frame::Challenge(challenge) => challenge,
        Frame::Refused(refused) => return Err(handshake_error(refused)),
        _ => return Err(ConnError::Unexpected.into()),
    };
    if !VERSIONS.contains(&challenge.version) {
        return Err(HandshakeError::Version((
            challenge.version,
            challenge.version,
        )));
    }
    let secret = Secret::new(admission.as_ref());
    let proven = secret.check(challenge.proof, Side::Listener, &hello, &challenge)?;
    conn.send(Frame::Proof(Proof(secret.prove(
        Side::Dialler,
        &hello,
        &challenge,
    ))))
    .await?;
    match conn.next().await? {
        Frame::Accepted => {}
        Frame::Refused(refused) => return Err(handshake_error(refused)),
        _ => return Err(ConnError::Unexpected.into()),
    }
    if challenge.callee != Some(receiver) {
        return Err(HandshakeError::Refused(HandshakeRefusal::NotMe));
    }
    let liveness = Liveness::start(admission, receiver.incarnation, proven);
    conn.enter_lane(hello.lane, liveness);
    Ok(())
}

/// Performs the listener's side. `open` returns the Raft node that accepts connections, if any.
pub(super) async fn respond(
    conn: &mut Conn,
    from: IpAddr,
    admission: &Arc<dyn Admission>,
    rng: &dyn Rng,
    open: impl FnOnce() -> Option<Replica>,
) -> Result<Lane, HandshakeError> {
    let Frame::Hello(hello) = conn.next().await? else {
        return Err(ConnError::Unexpected.into());
    };
    let admitted = admit(conn, &hello, from, admission.as_ref(), rng, open).await;
    match &admitted {
        Ok(_) => conn.send(Frame::Accepted).await?,
        // The dialler cannot be notified.
        Err(HandshakeError::Conn(_)) => {}
        Err(error) => conn.send(Frame::Refused(refused_frame(error))).await?,
    }
    let proven = admitted?;
    let liveness = Liveness::start(admission, hello.sender.incarnation, proven);
    conn.enter_lane(hello.lane, liveness);
    Ok(hello.lane)
}

/// Returns whether the dialler proved the secret.
async fn admit(
    conn: &mut Conn,
    hello: &Hello,
    from: IpAddr,
    admission: &dyn Admission,
    rng: &dyn Rng,
    open: impl FnOnce() -> Option<Replica>,
) -> Result<bool, HandshakeError> {
    let version = *VERSIONS.end().min(&hello.versions.1);
    if version < *VERSIONS.start() || version < hello.versions.0 {
        return Err(HandshakeError::Version(hello.versions));
    }
    let secret = Secret::new(admission);
    let challenge = make_challenge(hello, version, admission, rng, &secret);
    conn.send(Frame::Challenge(challenge.clone())).await?;
    let Frame::Proof(Proof(proof)) = conn.next().await? else {
        return Err(ConnError::Unexpected.into());
    };
    // Safety order: the proof is checked before `admit`, which takes hints and records starts. Only
    // nodes that know the secret may cause that.
    let proven = secret.check(proof, Side::Dialler, hello, &challenge)?;
    let dialler = crate::raft::Hello {
        sender: hello.sender,
        sender_http: hello.sender_http.clone(),
        receiver: hello.receiver,
        starts: hello.starts.clone(),
    };
    admission
        .admit(&dialler, from)
        .map_err(HandshakeError::Refused)?;
    match open() {
        None => Err(HandshakeError::Refused(HandshakeRefusal::NotOpen)),
        // Checked whatever `admit` decided: a message for another incarnation never reaches this
        // Raft node.
        Some(me) if me != hello.receiver => Err(HandshakeError::Refused(HandshakeRefusal::NotMe)),
        Some(_) => Ok(proven),
    }
}

fn make_challenge(
    hello: &Hello,
    version: u32,
    admission: &dyn Admission,
    rng: &dyn Rng,
    secret: &Secret,
) -> Challenge {
    let (callee, starts) = match admission.me() {
        Some((me, _, starts)) => (Some(me), starts),
        None => (None, Starts::default()),
    };
    let mut challenge = Challenge {
        version,
        nonce: nonce(rng),
        callee,
        starts,
        proof: None,
    };
    challenge.proof = secret.prove(Side::Listener, hello, &challenge);
    challenge
}

pub(super) fn nonce(rng: &dyn Rng) -> [u8; 32] {
    let mut nonce = [0; 32];
    rng.fill(&mut nonce);
    nonce
}

/// Side that made a proof. The same two nonces never prove both directions.
#[derive(Clone, Copy)]
enum Side {
    Dialler,
    Listener,
}

/// The secret that `Admission` has at this moment.
struct Secret {
    key: Option<[u8; 32]>,
    needed: bool,
}

impl Secret {
    fn new(admission: &dyn Admission) -> Self {
        Self {
            key: admission.peer_key(),
            needed: admission.policy().refuses_unproven(),
        }
    }

    fn prove(&self, side: Side, hello: &Hello, challenge: &Challenge) -> Option<[u8; 32]> {
        let key = self.key.as_ref()?;
        Some(
            transcript(key, side, hello, challenge)
                .finalize()
                .into_bytes()
                .into(),
        )
    }

    /// Checks a proof, and returns whether there was one. A wrong one is always refused; a missing one
    /// where the policy says so.
    fn check(
        &self,
        proof: Option<[u8; 32]>,
        side: Side,
        hello: &Hello,
        challenge: &Challenge,
    ) -> Result<bool, HandshakeError> {
        let refuse = |refusal| Err(HandshakeError::Refused(refusal));
        match (&self.key, proof) {
            (_, None) if self.needed => refuse(HandshakeRefusal::MissingSecret),
            (_, None) => Ok(false),
            // Compares in constant time.
            (Some(key), Some(proof)) => {
                match transcript(key, side, hello, challenge).verify_slice(&proof) {
                    Ok(()) => Ok(true),
                    Err(_) => refuse(HandshakeRefusal::WrongSecret),
                }
            }
            // This node has no key to check the proof with. Where a secret is needed it refuses.
            (None, Some(_)) if self.needed => refuse(HandshakeRefusal::MissingSecret),
            (None, Some(_)) => Ok(false),
        }
    }
}

/// Computes the MAC over both nonces, both identities and the direction. Each field follows its
/// length.
fn transcript(key: &[u8; 32], side: Side, hello: &Hello, challenge: &Challenge) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    let mut field = |bytes: &[u8]| {
        mac.update(&(bytes.len() as u64).to_be_bytes());
        mac.update(bytes);
    };
    field(b"influxd-meta 8089 v1");
    field(match side {
        Side::Dialler => b"dialler",
        Side::Listener => b"listener",
    });
    field(&challenge.version.to_be_bytes());
    field(&hello.nonce);
    field(&challenge.nonce);
    field(hello.sender_http.to_string().as_bytes());
    for replica in [Some(hello.sender), Some(hello.receiver), challenge.callee] {
        field(&replica.as_ref().map_or_else(Vec::new, replica_bytes));
    }
    mac
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of 32 bytes")
}

fn replica_bytes(replica: &Replica) -> Vec<u8> {
    let Incarnation(incarnation) = replica.incarnation;
    [
        &replica.cluster_id.0[..],
        &replica.raft_id.0.to_be_bytes(),
        &incarnation,
    ]
    .concat()
}

fn refused_frame(error: &HandshakeError) -> Refused {
    let code = match error {
        HandshakeError::Version(_) => RefusedFrame::Version,
        HandshakeError::Refused(HandshakeRefusal::NotMe) => RefusedFrame::NotMe,
        HandshakeError::Refused(HandshakeRefusal::NotOpen) => RefusedFrame::NotOpen,
        HandshakeError::Refused(HandshakeRefusal::Tombstoned) => RefusedFrame::Tombstoned,
        HandshakeError::Refused(HandshakeRefusal::WrongSecret) => RefusedFrame::WrongSecret,
        HandshakeError::Refused(HandshakeRefusal::MissingSecret) => RefusedFrame::MissingSecret,
        HandshakeError::Refused(HandshakeRefusal::Other(_)) | HandshakeError::Conn(_) => {
            RefusedFrame::Other
        }
    };
    Refused {
        code,
        text: error.to_string(),
    }
}

fn handshake_error(refused: Refused) -> HandshakeError {
    HandshakeError::Refused(match refused.code {
        RefusedFrame::NotMe => HandshakeRefusal::NotMe,
        RefusedFrame::NotOpen => HandshakeRefusal::NotOpen,
        RefusedFrame::Tombstoned => HandshakeRefusal::Tombstoned,
        RefusedFrame::WrongSecret => HandshakeRefusal::WrongSecret,
        RefusedFrame::MissingSecret => HandshakeRefusal::MissingSecret,
        RefusedFrame::Version | RefusedFrame::Other => HandshakeRefusal::Other(refused.text),
    })
}
