//! The handshake that proves identities before the first Raft byte (founding.md 5.4 and 11).
//!
//! `Hello → Challenge → Proofs → ListenerIdentity, Accepted | Refused`. Both sides prove the shared
//! secret if they have one, the dialler first. In version 1 (`Hello → Challenge → Proof → Accepted
//! | Refused`) the listener proves first, and says who it is to anybody. The dialler names the
//! receiver *and its incarnation*, so that a wiped volume never answers under its old name.

use std::net::IpAddr;
use std::sync::Arc;

use super::conn::{Conn, ConnError};
use super::liveness::Liveness;
use super::proofs::{Fields, Secret, Side};
use crate::raft::{Admission, HandshakeRefusal, Replica};
use crate::runtime::Rng;
use crate::wire::frames::{
    Challenge, Frame, Hello, Lane, ListenerIdentity, Proof, Proofs, Refused, RefusedFrame, VERSIONS,
};
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
    let secret = Secret::new(admission.as_ref());
    let (callee, proven) = match challenge.version {
        1 => prove_in_version_1(conn, &hello, &challenge, &secret).await?,
        2 => prove_first(conn, &hello, &challenge, &secret).await?,
        other => return Err(HandshakeError::Version((other, other))),
    };
    match conn.next().await? {
        Frame::Accepted => {}
        Frame::Refused(refused) => return Err(handshake_error(refused)),
        _ => return Err(ConnError::Unexpected.into()),
    }
    if callee != Some(receiver) {
        return Err(HandshakeError::Refused(HandshakeRefusal::NotMe));
    }
    let liveness = Liveness::start(admission, receiver.incarnation, proven);
    conn.enter_lane(hello.lane, liveness);
    Ok(())
}

/// Version 1: the listener has proven already. Returns who it is, and whether that is proven.
async fn prove_in_version_1(
    conn: &mut Conn,
    hello: &Hello,
    challenge: &Challenge,
    secret: &Secret,
) -> Result<(Option<Replica>, bool), HandshakeError> {
    let proof = challenge.proof.as_slice();
    let fields = Fields::of_version_1(Side::Listener, hello, challenge);
    let proven = secret.check(proof, &fields)?.is_some();
    let fields = Fields::of_version_1(Side::Dialler, hello, challenge);
    conn.send(Frame::Proof(Proof(secret.prove(&fields))))
        .await?;
    Ok((challenge.callee, proven))
}

/// From version 2 on: proves first, and only then hears who the listener is. Returns that, and
/// whether it is proven.
async fn prove_first(
    conn: &mut Conn,
    hello: &Hello,
    challenge: &Challenge,
    secret: &Secret,
) -> Result<(Option<Replica>, bool), HandshakeError> {
    let proofs = secret.prove_with_all(&Fields::of_dialler(hello, challenge));
    conn.send(Frame::Proofs(Proofs(proofs))).await?;
    let identity = match conn.next().await? {
        Frame::ListenerIdentity(identity) => identity,
        Frame::Refused(refused) => return Err(unproven_refusal(refused)),
        _ => return Err(ConnError::Unexpected.into()),
    };
    let fields = Fields::of_listener(hello, challenge, &identity);
    let proven = secret.check(identity.proof.as_slice(), &fields)?.is_some();
    Ok((identity.callee, proven))
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
    if version < admission.oldest_version() || version < hello.versions.0 {
        return Err(HandshakeError::Version(hello.versions));
    }
    let secret = Secret::new(admission);
    // Safety order: the proof is checked before `admit`, which takes hints and records starts. Only
    // nodes that know the secret may cause that.
    let proven = if version == 1 {
        hear_in_version_1(conn, hello, admission, rng, &secret).await?
    } else {
        hear_first(conn, hello, version, admission, rng, &secret).await?
    };
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

/// Version 1: says who this node is, with its proof, before it hears the dialler's.
async fn hear_in_version_1(
    conn: &mut Conn,
    hello: &Hello,
    admission: &dyn Admission,
    rng: &dyn Rng,
    secret: &Secret,
) -> Result<bool, HandshakeError> {
    let (callee, starts) = identity_of(admission);
    let mut challenge = Challenge {
        version: 1,
        nonce: nonce(rng),
        callee,
        starts,
        proof: None,
    };
    challenge.proof = secret.prove(&Fields::of_version_1(Side::Listener, hello, &challenge));
    conn.send(Frame::Challenge(challenge.clone())).await?;
    let Frame::Proof(Proof(proof)) = conn.next().await? else {
        return Err(ConnError::Unexpected.into());
    };
    let fields = Fields::of_version_1(Side::Dialler, hello, &challenge);
    Ok(secret.check(proof.as_slice(), &fields)?.is_some())
}

/// From version 2 on: says nothing of this node before the dialler's proof. After it, says who this
/// node is, proven with the key that the dialler has, whatever the verdict: a refusal that the
/// dialler acts on must come from a node that knows the secret.
async fn hear_first(
    conn: &mut Conn,
    hello: &Hello,
    version: u32,
    admission: &dyn Admission,
    rng: &dyn Rng,
    secret: &Secret,
) -> Result<bool, HandshakeError> {
    let challenge = Challenge {
        version,
        nonce: nonce(rng),
        callee: None,
        starts: Starts::default(),
        proof: None,
    };
    conn.send(Frame::Challenge(challenge.clone())).await?;
    let Frame::Proofs(Proofs(proofs)) = conn.next().await? else {
        return Err(ConnError::Unexpected.into());
    };
    let key = secret.check(&proofs, &Fields::of_dialler(hello, &challenge))?;
    let (callee, starts) = identity_of(admission);
    let mut identity = ListenerIdentity {
        callee,
        starts,
        proof: None,
    };
    let fields = Fields::of_listener(hello, &challenge, &identity);
    identity.proof = match &key {
        Some(key) => Some(key.mac(&fields.parts())),
        None => secret.prove(&fields),
    };
    conn.send(Frame::ListenerIdentity(identity)).await?;
    Ok(key.is_some())
}

fn identity_of(admission: &dyn Admission) -> (Option<Replica>, Starts) {
    match admission.me() {
        Some((me, _, starts)) => (Some(me), starts),
        None => (None, Starts::default()),
    }
}

pub(super) fn nonce(rng: &dyn Rng) -> [u8; 32] {
    let mut nonce = [0; 32];
    rng.fill(&mut nonce);
    nonce
}

/// A refusal before the listener's proof. Anybody may have sent it, so it says nothing about this
/// node's membership.
fn unproven_refusal(refused: Refused) -> HandshakeError {
    match refused.code {
        RefusedFrame::WrongSecret | RefusedFrame::MissingSecret => handshake_error(refused),
        RefusedFrame::NotMe
        | RefusedFrame::NotOpen
        | RefusedFrame::Tombstoned
        | RefusedFrame::Version
        | RefusedFrame::Other => HandshakeError::Refused(HandshakeRefusal::Other(refused.text)),
    }
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
