//! Proofs of `internal-shared-secret` on requests between meta nodes (founding.md 11), as headers.

use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};

use super::error::ErrorResponse;
use crate::auth::PeerPolicy;
use crate::auth::proof::{Nonce, PeerKey, WrongProof};
use crate::base::Incarnation;
use crate::wire::headers;

/// A caller that has proven that it knows the secret.
pub(super) struct Proven<'a> {
    key: &'a PeerKey,
    nonce: Nonce,
    caller: Incarnation,
}

/// The proof of an answer.
pub(super) struct AnswerProof(String);

impl<'a> Proven<'a> {
    /// Returns `None` without a key here, or without a proof in the request: the route decides what
    /// that means.
    ///
    /// # Errors
    /// 401: a wrong proof is always refused.
    pub(super) fn check(
        key: Option<&'a PeerKey>,
        headers: &HeaderMap,
        path: &str,
        caller: Incarnation,
        body: &[u8],
    ) -> Result<Option<Self>, ErrorResponse> {
        let (Some(key), Some(proof)) = (key, headers.get(headers::PROOF)) else {
            return Ok(None);
        };
        let proof = proof.to_str().map_err(|_| wrong_secret())?;
        let nonce = key
            .check_request(proof, path, caller, body)
            .map_err(|_| wrong_secret())?;
        Ok(Some(Self { key, nonce, caller }))
    }

    pub(super) fn prove_answer(&self, callee: Incarnation, body: &[u8]) -> AnswerProof {
        AnswerProof(
            self.key
                .prove_answer(&self.nonce, self.caller, callee, body),
        )
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
        return Err(wrong_secret());
    }
    Ok(())
}

pub(super) fn wrong_secret() -> ErrorResponse {
    ErrorResponse::new(StatusCode::UNAUTHORIZED, WrongProof.to_string())
}
