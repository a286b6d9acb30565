//! Fresh proofs of requests between meta nodes (founding.md 11.1): a proof covers a challenge of
//! the node that receives it, and is accepted there once.
//!
//! `Influxd-Meta-Proof: v2 <nonce> (<challenge> <mac>)+`, hex. There is a MAC for each key and for
//! each node on the way: the one that is asked, and the leader to which it forwards. No clock is
//! compared: a node draws its challenge itself, sends it with each answer, and replaces it every
//! minute.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::PeerKeys;
use super::proof::{Nonce, PeerKey, WrongProof};
use crate::base::Incarnation;
use crate::runtime::{Rng, lock};

const VERSION: &str = "v2";

/// A random number of the receiver.
pub type Challenge = [u8; 16];

/// Time after which a node draws another challenge. The one before is accepted as long again.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(60);
/// Maximum number of nonces that are remembered for one challenge, 64 KiB. Only callers that know
/// the secret add to them; after so many another challenge is drawn.
const MAX_NONCES: usize = 4096;
/// Maximum number of MACs in one header: two keys for each of two nodes, and some to spare.
const MAX_MACS: usize = 8;

/// Returns the header's value for a request, for the nodes that drew these challenges.
pub fn prove_request(
    keys: &PeerKeys,
    challenges: &[Challenge],
    path: &str,
    nonce: &Nonce,
    caller: Incarnation,
    body: &[u8],
) -> String {
    let mut header = format!("{VERSION} {}", hex::encode(nonce));
    for challenge in challenges {
        for key in keys.all() {
            let mac = key.mac(&fields(path, nonce, challenge, &caller, body));
            header = format!("{header} {} {}", hex::encode(challenge), hex::encode(mac));
        }
    }
    header
}

/// Reads the challenge in the header of an answer.
pub fn parse_challenge(value: &str) -> Option<Challenge> {
    decode(value)
}

fn fields<'a>(
    path: &'a str,
    nonce: &'a Nonce,
    challenge: &'a Challenge,
    caller: &'a Incarnation,
    body: &'a [u8],
) -> [&'a [u8]; 6] {
    [
        b"fresh req",
        path.as_bytes(),
        nonce,
        challenge,
        &caller.0,
        body,
    ]
}

/// Reasons to refuse a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error(transparent)]
    Wrong(#[from] WrongProof),
    /// The caller may prove again, with this node's challenge.
    #[error("wrong secret or an old request: the proof does not fit this node's challenge")]
    NotFresh,
}

/// A proof that was accepted: what the proof of the answer needs.
pub struct CheckedProof {
    pub key: PeerKey,
    pub nonce: Nonce,
}

/// Checks the proofs of requests to this node, and remembers those that it accepted.
pub struct PeerVerifier {
    keys: PeerKeys,
    rng: Arc<dyn Rng>,
    memory: Mutex<Memory>,
}

struct Memory {
    current: Period,
    previous: Option<Period>,
}

/// Time of one challenge.
struct Period {
    challenge: Challenge,
    began: Instant,
    seen: BTreeSet<Nonce>,
}

impl PeerVerifier {
    pub fn new(keys: PeerKeys, rng: Arc<dyn Rng>) -> Self {
        let memory = Mutex::new(Memory {
            current: Period::begin(&*rng),
            previous: None,
        });
        Self { keys, rng, memory }
    }

    pub fn keys(&self) -> &PeerKeys {
        &self.keys
    }

    /// The challenge that this node sends with its answers.
    pub fn challenge(&self) -> Challenge {
        self.memory(|memory| memory.current.challenge)
    }

    /// Checks a request's header, of either version. A proof of version 1 has no challenge and can
    /// be recorded; it is accepted only with `recorded_is_enough`.
    ///
    /// # Errors
    /// See [`ProofError`]. A proof is accepted once.
    pub fn check(
        &self,
        value: &str,
        path: &str,
        caller: Incarnation,
        body: &[u8],
        recorded_is_enough: bool,
    ) -> Result<CheckedProof, ProofError> {
        let Some(proofs) = value.strip_prefix(VERSION) else {
            return self.check_recorded(value, path, caller, body, recorded_is_enough);
        };
        let (nonce, macs) = parse(proofs)?;
        let ours = self.memory(|memory| memory.challenges());
        let mut for_us = macs
            .iter()
            .filter(|(challenge, _)| ours.contains(challenge))
            .peekable();
        if for_us.peek().is_none() {
            return Err(ProofError::NotFresh);
        }
        let fitting = for_us.find_map(|(challenge, mac)| {
            let fields = fields(path, &nonce, challenge, &caller, body);
            let key = self
                .keys
                .all()
                .find(|key| key.verify(&fields, mac).is_ok())?;
            Some((challenge, key.clone()))
        });
        let (challenge, key) = fitting.ok_or(WrongProof)?;
        // Remembered only now: a caller without the secret must not fill the memory.
        match self.memory(|memory| memory.remember(challenge, nonce)) {
            true => Ok(CheckedProof { key, nonce }),
            false => Err(ProofError::NotFresh),
        }
    }

    fn check_recorded(
        &self,
        value: &str,
        path: &str,
        caller: Incarnation,
        body: &[u8],
        is_enough: bool,
    ) -> Result<CheckedProof, ProofError> {
        let fitting = self.keys.all().find_map(|key| {
            let nonce = key.check_request(value, path, caller, body).ok()?;
            let key = key.clone();
            Some(CheckedProof { key, nonce })
        });
        let checked = fitting.ok_or(WrongProof)?;
        if is_enough {
            Ok(checked)
        } else {
            Err(ProofError::NotFresh)
        }
    }

    fn memory<T>(&self, with: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = lock(&self.memory);
        memory.renew(&*self.rng);
        with(&mut memory)
    }
}

impl Memory {
    /// Draws another challenge when the present one is old or full, and forgets what has expired.
    fn renew(&mut self, rng: &dyn Rng) {
        if self.current.began.elapsed() >= CHALLENGE_LIFETIME
            || self.current.seen.len() >= MAX_NONCES
        {
            let before = std::mem::replace(&mut self.current, Period::begin(rng));
            self.previous = Some(before);
        }
        self.previous
            .take_if(|period| period.began.elapsed() >= 2 * CHALLENGE_LIFETIME);
    }

    fn challenges(&self) -> Vec<Challenge> {
        let previous = self.previous.iter();
        previous
            .chain([&self.current])
            .map(|period| period.challenge)
            .collect()
    }

    /// Returns whether the nonce is new for a challenge that is still accepted.
    fn remember(&mut self, challenge: &Challenge, nonce: Nonce) -> bool {
        let mut periods = self.previous.iter_mut().chain([&mut self.current]);
        periods
            .find(|period| period.challenge == *challenge)
            .is_some_and(|period| period.seen.insert(nonce))
    }
}

impl Period {
    fn begin(rng: &dyn Rng) -> Self {
        let mut challenge = Challenge::default();
        rng.fill(&mut challenge);
        Self {
            challenge,
            began: Instant::now(),
            seen: BTreeSet::new(),
        }
    }
}

/// A MAC, and the challenge that it covers.
type ChallengeMac = (Challenge, [u8; 32]);

fn parse(proofs: &str) -> Result<(Nonce, Vec<ChallengeMac>), WrongProof> {
    let mut parts = proofs.strip_prefix(' ').ok_or(WrongProof)?.split(' ');
    let nonce = parts.next().and_then(decode).ok_or(WrongProof)?;
    let mut macs = Vec::new();
    while let Some(challenge) = parts.next() {
        let challenge = decode(challenge).ok_or(WrongProof)?;
        let mac = parts.next().and_then(decode).ok_or(WrongProof)?;
        if macs.len() == MAX_MACS {
            return Err(WrongProof);
        }
        macs.push((challenge, mac));
    }
    Ok((nonce, macs))
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Incarnation = Incarnation([1; 16]);
    const PATH: &str = "/cluster/invite";

    /// Counts up, so that every number that is drawn is another one.
    #[derive(Default)]
    struct Counting(std::sync::atomic::AtomicU8);

    impl Rng for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn verifier(keys: &PeerKeys) -> PeerVerifier {
        PeerVerifier::new(keys.clone(), Arc::new(Counting::default()))
    }

    fn check(at: &PeerVerifier, header: &str) -> Result<(), ProofError> {
        at.check(header, PATH, US, b"body", false).map(drop)
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_is_accepted_once_by_the_node_that_it_is_for() {
        let keys = PeerKeys::derive("secret", None);
        let (here, there) = (verifier(&keys), verifier(&keys));
        let mut challenge = here.challenge();
        challenge[0] ^= 1;
        let for_nobody = prove_request(&keys, &[challenge], PATH, &[7; 16], US, b"body");
        assert_eq!(check(&here, &for_nobody), Err(ProofError::NotFresh));
        let proof = |nonce, at: &PeerVerifier| {
            prove_request(&keys, &[at.challenge()], PATH, &nonce, US, b"body")
        };
        let header = proof([7; 16], &here);
        assert_eq!(check(&here, &header), Ok(()));
        assert_eq!(check(&here, &header), Err(ProofError::NotFresh), "recorded");
        let other = here.check(&proof([8; 16], &here), PATH, US, b"other", false);
        assert!(matches!(other, Err(ProofError::Wrong(_))));
        // Two nodes on the way: each finds its own.
        there.memory(|memory| memory.current.challenge = [9; 16]);
        let both = [here.challenge(), there.challenge()];
        let header = prove_request(&keys, &both, PATH, &[9; 16], US, b"body");
        assert_eq!(check(&here, &header), Ok(()));
        assert_eq!(check(&there, &header), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_challenge_is_accepted_for_one_to_two_minutes() {
        let keys = PeerKeys::derive("secret", None);
        let here = verifier(&keys);
        let first = here.challenge();
        let proof = |nonce| prove_request(&keys, &[first], PATH, &[nonce; 16], US, b"body");
        assert_eq!(check(&here, &proof(1)), Ok(()));
        tokio::time::advance(CHALLENGE_LIFETIME).await;
        assert_ne!(here.challenge(), first);
        assert_eq!(check(&here, &proof(2)), Ok(()));
        assert_eq!(check(&here, &proof(1)), Err(ProofError::NotFresh));
        tokio::time::advance(CHALLENGE_LIFETIME).await;
        assert_eq!(check(&here, &proof(3)), Err(ProofError::NotFresh));
        // After a long silence nothing old is accepted.
        let second = here.challenge();
        tokio::time::advance(10 * CHALLENGE_LIFETIME).await;
        let late = prove_request(&keys, &[second], PATH, &[4; 16], US, b"body");
        assert_eq!(check(&here, &late), Err(ProofError::NotFresh));
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_of_nonces_is_bounded() {
        let keys = PeerKeys::derive("secret", None);
        let here = verifier(&keys);
        for number in 0..3 * MAX_NONCES as u128 {
            let nonce = number.to_be_bytes();
            let header = prove_request(&keys, &[here.challenge()], PATH, &nonce, US, b"body");
            assert_eq!(check(&here, &header), Ok(()));
        }
        let kept = here.memory(|memory| {
            memory.current.seen.len() + memory.previous.as_ref().map_or(0, |p| p.seen.len())
        });
        assert!(kept <= 2 * MAX_NONCES, "{kept}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_secret_changes_either_is_enough() {
        let (before, after) = (PeerKeys::derive("a", None), PeerKeys::derive("b", None));
        let both = PeerKeys::derive("b", Some("a"));
        for (caller, callee, fits) in [
            (&both, &before, true),
            (&before, &both, true),
            (&both, &after, true),
            (&after, &both, true),
            (&before, &after, false),
        ] {
            let here = verifier(callee);
            let header = prove_request(caller, &[here.challenge()], PATH, &[1; 16], US, b"body");
            let checked = here.check(&header, PATH, US, b"body", false);
            assert_eq!(checked.is_ok(), fits);
            if let Ok(CheckedProof { key, nonce }) = checked {
                let answer = key.prove_answer(&nonce, US, US, b"a");
                assert_eq!(caller.check_answer(&answer, &nonce, US, US, b"a"), Ok(()));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_that_can_be_recorded_is_accepted_only_where_it_is_enough() {
        let keys = PeerKeys::derive("b", Some("a"));
        let here = verifier(&keys);
        let header = PeerKey::derive("a").prove_request(PATH, &[1; 16], US, b"body");
        assert_eq!(check(&here, &header), Err(ProofError::NotFresh));
        assert!(here.check(&header, PATH, US, b"body", true).is_ok());
        let wrong = PeerKey::derive("c").prove_request(PATH, &[1; 16], US, b"body");
        assert_eq!(check(&here, &wrong), Err(ProofError::Wrong(WrongProof)));
    }

    #[tokio::test(start_paused = true)]
    async fn malformed_headers_are_wrong_proofs() {
        let keys = PeerKeys::derive("secret", None);
        let here = verifier(&keys);
        let good = prove_request(&keys, &[here.challenge()], PATH, &[1; 16], US, b"body");
        let many = prove_request(&keys, &[here.challenge(); 9], PATH, &[1; 16], US, b"body");
        for bad in [
            "v2",
            "v2 ",
            "v2 00",
            &good[..good.len() - 1],
            &format!("{good} x"),
            &many,
        ] {
            assert_eq!(
                check(&here, bad),
                Err(ProofError::Wrong(WrongProof)),
                "{bad:?}"
            );
        }
    }
}
