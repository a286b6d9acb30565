//! Proofs of the secret in the handshake on 8089 (founding.md 11.2): what they cover, and what a
//! missing or wrong one means.

use super::handshake::HandshakeError;
use crate::auth::proof::PeerKey;
use crate::auth::{PeerKeys, PeerPolicy};
use crate::base::Incarnation;
use crate::raft::{Admission, HandshakeRefusal, Replica};
use crate::wire::frames::{Challenge, Hello, Lane, ListenerIdentity};
use crate::wire::identity::Starts;

/// Side that made a proof. The same two nonces never prove both directions.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Dialler,
    Listener,
}

/// The secret and the policy that `Admission` has at this moment.
pub(super) struct Secret {
    keys: Option<PeerKeys>,
    policy: PeerPolicy,
}

impl Secret {
    pub(super) fn new(admission: &dyn Admission) -> Self {
        Self {
            keys: admission.peer_keys(),
            policy: admission.policy(),
        }
    }

    pub(super) fn requires_proofs(&self) -> bool {
        self.policy.refuses_unproven()
    }

    /// Makes one proof with the current key: in version 1, and in the listener's answer before it
    /// knows which keys the dialler has.
    pub(super) fn prove(&self, said: &Fields) -> Option<[u8; 32]> {
        Some(self.keys.as_ref()?.current().mac(&said.parts()))
    }

    /// Makes a proof with each key.
    pub(super) fn prove_with_all(&self, said: &Fields) -> Vec<[u8; 32]> {
        let keys = self.keys.iter().flat_map(PeerKeys::all);
        keys.map(|key| key.mac(&said.parts())).collect()
    }

    /// Checks proofs of the same words, and returns the key that made one of them. Wrong ones are
    /// always refused, missing ones where the policy says so.
    pub(super) fn check(
        &self,
        proofs: &[[u8; 32]],
        said: &Fields,
    ) -> Result<Option<PeerKey>, HandshakeError> {
        let refuse = |refusal| Err(HandshakeError::Refused(refusal));
        match &self.keys {
            Some(keys) if !proofs.is_empty() => {
                let parts = said.parts();
                // Compares in constant time.
                let made = |key: &&PeerKey| proofs.iter().any(|p| key.verify(&parts, p).is_ok());
                match keys.all().find(made) {
                    Some(key) => Ok(Some(key.clone())),
                    None => refuse(HandshakeRefusal::WrongSecret),
                }
            }
            // Without a key here a proof says nothing.
            _ if self.requires_proofs() => refuse(HandshakeRefusal::MissingSecret),
            _ => Ok(None),
        }
    }
}

/// Content that a proof covers, field by field.
pub(super) struct Fields(Vec<Vec<u8>>);

impl Fields {
    /// Fields of version 1: both nonces, the identities, and the direction.
    pub(super) fn of_version_1(side: Side, hello: &Hello, challenge: &Challenge) -> Self {
        let mut fields = vec![
            b"influxd-meta 8089 v1".to_vec(),
            name(side).to_vec(),
            challenge.version.to_be_bytes().to_vec(),
            hello.nonce.to_vec(),
            challenge.nonce.to_vec(),
            hello.sender_http.to_string().into_bytes(),
        ];
        for replica in [Some(hello.sender), Some(hello.receiver), challenge.callee] {
            fields.push(replica.as_ref().map_or_else(Vec::new, replica_bytes));
        }
        Self(fields)
    }

    /// Fields of the dialler from version 2 on: both nonces, and everything that it said.
    pub(super) fn of_dialler(hello: &Hello, challenge: &Challenge) -> Self {
        Self(of_hello(Side::Dialler, hello, challenge))
    }

    /// Fields of the listener from version 2 on: those of the dialler, and everything that it says
    /// of itself.
    pub(super) fn of_listener(
        hello: &Hello,
        challenge: &Challenge,
        identity: &ListenerIdentity,
    ) -> Self {
        let mut fields = of_hello(Side::Listener, hello, challenge);
        let callee = identity.callee.as_ref();
        fields.push(callee.map_or_else(Vec::new, replica_bytes));
        fields.push(starts_bytes(&identity.starts));
        Self(fields)
    }

    pub(super) fn parts(&self) -> Vec<&[u8]> {
        self.0.iter().map(Vec::as_slice).collect()
    }
}

fn of_hello(side: Side, hello: &Hello, challenge: &Challenge) -> Vec<Vec<u8>> {
    let lane: u8 = match hello.lane {
        Lane::Append => 1,
        Lane::Control => 2,
        Lane::Snapshot => 3,
    };
    let (lowest, highest) = hello.versions;
    vec![
        b"influxd-meta 8089 v2".to_vec(),
        name(side).to_vec(),
        challenge.version.to_be_bytes().to_vec(),
        [lowest.to_be_bytes(), highest.to_be_bytes()].concat(),
        hello.nonce.to_vec(),
        challenge.nonce.to_vec(),
        vec![lane],
        hello.sender_http.to_string().into_bytes(),
        replica_bytes(&hello.sender),
        replica_bytes(&hello.receiver),
        starts_bytes(&hello.starts),
    ]
}

fn name(side: Side) -> &'static [u8] {
    match side {
        Side::Dialler => b"dialler",
        Side::Listener => b"listener",
    }
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

/// Counter, durable sequence number, then the ids.
fn starts_bytes(starts: &Starts) -> Vec<u8> {
    let mut bytes = [
        starts.counter.to_be_bytes(),
        starts.durable_seq.to_be_bytes(),
    ]
    .concat();
    for id in &starts.ids {
        bytes.extend_from_slice(&id.0);
    }
    bytes
}
