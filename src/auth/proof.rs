//! Proofs between meta nodes (founding.md 11): both sides know `internal-shared-secret`, and it is
//! never sent.
//!
//! HTTP: `Influxd-Meta-Proof: v1 <nonce> <mac>`, hex, on answers and, to nodes of older versions,
//! on requests ([`super::fresh`] has those of today). An answer repeats the request's nonce, so a
//! recorded answer does not fit a request with a new nonce. Port 8089: [`PeerKey::mac`] over the
//! handshake's fields, in the frames that `raft` defines.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::Incarnation;
use crate::runtime::Rng;

/// Version of the whole scheme: another one has another text here and another `info` below.
const VERSION: &str = "v1";
const INFO: &[u8] = b"influxd-meta peer v1";

/// A random number of one request: its proof, and that of the answer, are valid for one exchange
/// only.
pub type Nonce = [u8; 16];

/// The key that all meta nodes of a cluster derive from the same `internal-shared-secret`.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerKey([u8; 32]);

/// A proof is wrong. The text does not say which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wrong secret: internal-shared-secret differs")]
pub struct WrongProof;

impl PeerKey {
    pub fn derive(secret: &str) -> Self {
        let mut key = [0; 32];
        let expanded = Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(INFO, &mut key);
        debug_assert!(
            expanded.is_ok(),
            "32 bytes are within what HKDF-SHA256 can give"
        );
        Self(key)
    }

    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// HMAC-SHA256 over the fields, each prefixed with its length, so that no two lists of fields
    /// give the same bytes.
    pub fn mac(&self, fields: &[&[u8]]) -> [u8; 32] {
        self.over(fields).finalize().into_bytes().into()
    }

    /// Checks a MAC in constant time: the duration reveals nothing about the right one.
    ///
    /// # Errors
    /// When `mac` is not [`PeerKey::mac`] of the fields.
    pub fn verify(&self, fields: &[&[u8]], mac: &[u8]) -> Result<(), WrongProof> {
        self.over(fields).verify_slice(mac).map_err(|_| WrongProof)
    }

    fn over(&self, fields: &[&[u8]]) -> Hmac<Sha256> {
        // HMAC pads a short key with zeros to its block size. With a full block `new` cannot fail.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut hmac = Hmac::<Sha256>::new(&block.into());
        for field in fields {
            hmac.update(&(field.len() as u64).to_be_bytes());
            hmac.update(field);
        }
        hmac
    }

    /// Returns the header's value for a request.
    pub fn prove_request(
        &self,
        path: &str,
        nonce: &Nonce,
        caller: Incarnation,
        body: &[u8],
    ) -> String {
        header(nonce, self.mac(&request(path, nonce, &caller, body)))
    }

    /// Checks a request's header. Returns its nonce, which the answer's proof needs.
    ///
    /// # Errors
    /// When the header is malformed or was not made with this key for this request.
    pub fn check_request(
        &self,
        value: &str,
        path: &str,
        caller: Incarnation,
        body: &[u8],
    ) -> Result<Nonce, WrongProof> {
        let (nonce, mac) = parse(value)?;
        self.verify(&request(path, &nonce, &caller, body), &mac)?;
        Ok(nonce)
    }

    /// Returns the header's value for the answer to the request with this nonce.
    pub fn prove_answer(
        &self,
        nonce: &Nonce,
        caller: Incarnation,
        callee: Incarnation,
        body: &[u8],
    ) -> String {
        header(nonce, self.mac(&answer(nonce, &caller, &callee, body)))
    }

    /// Checks an answer's header against the nonce of the request.
    ///
    /// # Errors
    /// When the header is malformed, answers another nonce, or was not made with this key for this
    /// answer.
    pub fn check_answer(
        &self,
        value: &str,
        asked: &Nonce,
        caller: Incarnation,
        callee: Incarnation,
        body: &[u8],
    ) -> Result<(), WrongProof> {
        let (nonce, mac) = parse(value)?;
        if nonce != *asked {
            return Err(WrongProof);
        }
        self.verify(&answer(&nonce, &caller, &callee, body), &mac)
    }
}

/// Prints no key, so that it never reaches a log.
impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerKey(…)")
    }
}

pub fn new_nonce(rng: &dyn Rng) -> Nonce {
    let mut nonce = Nonce::default();
    rng.fill(&mut nonce);
    nonce
}

/// Fields of a request's proof. "req" and "ans" differ, so that the proof of a request is not valid
/// as that of an answer.
fn request<'a>(
    path: &'a str,
    nonce: &'a Nonce,
    caller: &'a Incarnation,
    body: &'a [u8],
) -> [&'a [u8]; 5] {
    [b"req", path.as_bytes(), nonce, &caller.0, body]
}

fn answer<'a>(
    nonce: &'a Nonce,
    caller: &'a Incarnation,
    callee: &'a Incarnation,
    body: &'a [u8],
) -> [&'a [u8]; 5] {
    [b"ans", nonce, &caller.0, &callee.0, body]
}

fn header(nonce: &Nonce, mac: [u8; 32]) -> String {
    format!("{VERSION} {} {}", hex::encode(nonce), hex::encode(mac))
}

fn parse(value: &str) -> Result<(Nonce, [u8; 32]), WrongProof> {
    let mut parts = value.split(' ');
    let (mut nonce, mut mac) = (Nonce::default(), [0; 32]);
    let mut next = || parts.next().ok_or(WrongProof);
    if next()? != VERSION {
        return Err(WrongProof);
    }
    hex::decode_to_slice(next()?, &mut nonce).map_err(|_| WrongProof)?;
    hex::decode_to_slice(next()?, &mut mac).map_err(|_| WrongProof)?;
    if parts.next().is_some() {
        Err(WrongProof)
    } else {
        Ok((nonce, mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Incarnation = Incarnation([1; 16]);
    const THEM: Incarnation = Incarnation([2; 16]);
    const NONCE: Nonce = [7; 16];

    /// Fixed values, computed with another HMAC program. Nodes of different versions must agree on
    /// them, or a rolling update splits the cluster.
    #[test]
    fn the_key_and_the_header_stay_what_they_are() {
        let key = PeerKey::derive("secret");
        let want = "f96984ca9748a7c11f8f8288333807f4e5d8e19e47f3aabe52cf9816edb7d49f";
        assert_eq!(hex::encode(key.bytes()), want);
        let header = key.prove_request("/cluster/identity", &NONCE, US, b"{}");
        let mac = "0918d9e9ff7aa671695864595d5a4f6be22b4ee32141c16ffeeb748b4c4fb42b";
        assert_eq!(header, format!("v1 07070707070707070707070707070707 {mac}"));
        assert_eq!(
            key.check_request(&header, "/cluster/identity", US, b"{}"),
            Ok(NONCE)
        );
    }

    #[test]
    fn a_request_proof_holds_for_nothing_else() {
        let key = PeerKey::derive("secret");
        let header = key.prove_request("/cluster/identity", &NONCE, US, b"body");
        assert_eq!(
            key.check_request(&header, "/cluster/join", US, b"body"),
            Err(WrongProof)
        );
        assert_eq!(
            key.check_request(&header, "/cluster/identity", THEM, b"body"),
            Err(WrongProof)
        );
        assert_eq!(
            key.check_request(&header, "/cluster/identity", US, b"other"),
            Err(WrongProof)
        );
        let other = PeerKey::derive("Secret");
        assert_eq!(
            other.check_request(&header, "/cluster/identity", US, b"body"),
            Err(WrongProof)
        );
        assert_eq!(
            key.check_answer(&header, &NONCE, US, THEM, b"body"),
            Err(WrongProof)
        );
    }

    #[test]
    fn a_recorded_answer_does_not_answer_another_nonce() {
        let key = PeerKey::derive("secret");
        let header = key.prove_answer(&NONCE, US, THEM, b"body");
        assert_eq!(key.check_answer(&header, &NONCE, US, THEM, b"body"), Ok(()));
        assert_eq!(
            key.check_answer(&header, &[8; 16], US, THEM, b"body"),
            Err(WrongProof)
        );
        assert_eq!(
            key.check_answer(&header, &NONCE, THEM, US, b"body"),
            Err(WrongProof)
        );
    }

    #[test]
    fn fields_cannot_run_into_each_other() {
        let key = PeerKey::derive("secret");
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
        assert_ne!(key.mac(&[b"ab"]), key.mac(&[b"ab", b""]));
    }

    #[test]
    fn malformed_headers_are_wrong_proofs() {
        let key = PeerKey::derive("secret");
        let good = key.prove_request("/p", &NONCE, US, b"");
        for bad in [
            "",
            "v1",
            "v1 00 00",
            &good[3..],
            &format!("{good} x"),
            &good.replace("v1", "v2"),
        ] {
            assert_eq!(
                key.check_request(bad, "/p", US, b""),
                Err(WrongProof),
                "{bad:?}"
            );
        }
    }
}
