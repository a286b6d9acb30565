//! Proofs of `internal-shared-secret` on requests between meta nodes (founding.md 11), as headers.

use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};

use super::error::ErrorResponse;
use super::state::State;
use crate::auth::PeerPolicy;
use crate::auth::fresh::{CheckedProof, PeerVerifier, ProofError};
use crate::auth::proof::WrongProof;
use crate::base::Incarnation;
use crate::wire::headers;

/// A caller that has proven that it knows the secret.
pub(super) struct Proven {
    checked: CheckedProof,
    caller: Incarnation,
}

/// The proof of an answer.
pub(super) struct AnswerProof(String);

impl Proven {
    /// Checks the caller of a request of another meta node. Returns `None` if it proves nothing,
    /// where this node does not require it.
    ///
    /// # Errors
    /// 401: a wrong or recorded proof is always refused, a missing one where proofs are required.
    pub(super) fn check(
        state: &State,
        headers: &HeaderMap,
        path: &str,
        caller: Incarnation,
        body: &[u8],
    ) -> Result<Option<Self>, ErrorResponse> {
        let policy = state.service.peer_policy();
        let (Some(peers), Some(proof)) = (&state.peers, headers.get(headers::PROOF)) else {
            return if policy.refuses_unproven() {
                Err(refused(WrongProof.into()))
            } else {
                Ok(None)
            };
        };
        let proof = proof.to_str().map_err(|_| refused(WrongProof.into()))?;
        let recorded_is_enough = state.service.accepts_recorded_proofs();
        let checked = peers
            .check(proof, path, caller, body, recorded_is_enough)
            .map_err(refused)?;
        Ok(Some(Self { checked, caller }))
    }

    pub(super) fn prove_answer(&self, callee: Incarnation, body: &[u8]) -> AnswerProof {
        let CheckedProof { key, nonce } = &self.checked;
        AnswerProof(key.prove_answer(nonce, self.caller, callee, body))
    }
}

impl AnswerProof {
    pub(super) fn put(self, response: &mut Response) {
        // Cannot fail: the proof consists of hex digits and spaces.
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(headers::PROOF, value);
        }
    }
}

/// Refuses a request without a proof where one is required, by its head alone: nothing of its body
/// has to be read for that.
///
/// # Errors
/// 401.
pub(super) fn check_head(policy: PeerPolicy, headers: &HeaderMap) -> Result<(), ErrorResponse> {
    if policy.refuses_unproven() && !headers.contains_key(headers::PROOF) {
        return Err(refused(WrongProof.into()));
    }
    Ok(())
}

/// Adds this node's challenge to an answer, which the caller's next proof must cover. The leader's,
/// in an answer that was forwarded, stays.
pub(super) fn put_challenge(peers: Option<&PeerVerifier>, response: &mut Response) {
    if let Some(peers) = peers
        && let Ok(value) = HeaderValue::from_str(&hex::encode(peers.challenge()))
    {
        let entry = response.headers_mut().entry(headers::CHALLENGE);
        entry.or_insert(value);
    }
}

fn refused(error: ProofError) -> ErrorResponse {
    ErrorResponse::new(StatusCode::UNAUTHORIZED, error.to_string())
}
