//! `/cluster/identity`: the one message of founding, and its proofs (founding.md 3 and 11).

use axum::extract::Request;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};

use super::{Shared, State};
use crate::auth::proof::{Nonce, PROOF_HEADER, PeerKey};
use crate::http::body::{self, IDENTITY_LIMIT};
use crate::http::dispatch::Context;
use crate::http::error::Failure;
use crate::http::reply::ok_json;
use crate::http::{error, json};
use crate::wire::identity::Identity;

const PATH: &str = "/cluster/identity";

/// For people: what this node says of itself, unsigned.
pub(super) async fn show(state: Shared) -> Result<Response, Failure> {
    let nobody = std::net::Ipv4Addr::UNSPECIFIED.into();
    Ok(ok_json(&state.service.exchange_identity(None, nobody)?))
}

pub(super) async fn exchange(state: Shared, request: Request) -> Result<Response, Failure> {
    let from = request.extensions().get::<Context>().map(|context| context.conversation.peer);
    let from = from.unwrap_or_else(|| std::net::Ipv4Addr::UNSPECIFIED.into());
    let headers = request.headers().clone();
    let body = body::read(request, IDENTITY_LIMIT, &state.config).await?;
    let theirs: Identity = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad(format!("the body is no identity of a meta node: {error}")))?;
    let proven = check(&state, &headers, &theirs, &body)?;
    // Without a proof that we could ask for, the caller is answered (it then sees that secrets differ), and
    // what it says is not taken as a hint.
    let hint = (proven.is_some() || state.config.peer_key.is_none()).then_some(&theirs);
    let ours = state.service.exchange_identity(hint, from)?;
    let text = json::go_json(&ours) + "\n";
    let proof = proven
        .map(|(key, nonce)| key.prove_answer(&nonce, theirs.incarnation, ours.incarnation, text.as_bytes()));
    let mut response = error::json(StatusCode::OK, text);
    if let Some(value) = proof.and_then(|proof| HeaderValue::from_str(&proof).ok()) {
        response.headers_mut().insert("influxd-meta-proof", value);
    }
    Ok(response)
}

/// The key and the caller's nonce, when it proved that it knows the secret. A wrong proof is always refused.
fn check<'a>(
    state: &'a State,
    headers: &HeaderMap,
    theirs: &Identity,
    body: &[u8],
) -> Result<Option<(&'a PeerKey, Nonce)>, Failure> {
    let (Some(key), Some(proof)) = (&state.config.peer_key, headers.get(PROOF_HEADER)) else {
        return Ok(None);
    };
    let wrong = || Failure::new(StatusCode::UNAUTHORIZED, "wrong secret");
    let proof = proof.to_str().map_err(|_| wrong())?;
    let nonce = key.check_request(proof, PATH, theirs.incarnation, body).map_err(|_| wrong())?;
    Ok(Some((key, nonce)))
}
