//! `/cluster/identity`: the only message of founding, and its proofs (founding.md 3 and 11).

use std::net::IpAddr;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hyper::{HeaderMap, StatusCode};

use crate::http::authenticate::admitted_may_read_ids;
use crate::http::body::{self, MAX_IDENTITY_BYTES};
use crate::http::error;
use crate::http::error::ErrorResponse;
use crate::http::proof::{Proven, check_head, put_challenge};
use crate::http::reply::ok_json;
use crate::http::request_context::peer_ip;
use crate::http::state::AppState;
use crate::wire::go_json;
use crate::wire::identity::Identity;

const PATH: &str = "/cluster/identity";

/// Returns this node's identity to operators, without a proof. Where proofs are required nothing is
/// said of this node to a stranger, as for [`exchange`].
pub(super) async fn show(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    if !admitted_may_read_ids(&state, &request) {
        return Err(ErrorResponse::new(
            StatusCode::UNAUTHORIZED,
            "the identity is told on this node's own host, and to callers with a token of \
             internal-shared-secret",
        ));
    }
    let nobody = std::net::Ipv4Addr::UNSPECIFIED.into();
    Ok(ok_json(&state.service.exchange_identity(None, nobody)?))
}

pub(super) async fn exchange(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let from = peer_ip(request.extensions());
    let headers = request.headers().clone();
    check_head(state.service.peer_policy(), &headers)?;
    let body = body::read_unproven(request, MAX_IDENTITY_BYTES, &state).await?;
    let answered = answer(&state, &headers, &body, from);
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    put_challenge(state.peers.as_deref(), &mut response);
    Ok(response)
}

fn answer(
    state: &AppState,
    headers: &HeaderMap,
    body: &[u8],
    from: IpAddr,
) -> Result<Response, ErrorResponse> {
    let theirs: Identity = serde_json::from_slice(body).map_err(|error| {
        ErrorResponse::bad(format!("the body is no identity of a meta node: {error}"))
    })?;
    // Where proofs are required nothing is said of this node before the caller's. The refusal says
    // that secrets differ.
    let proven = Proven::check(state, headers, PATH, theirs.incarnation, body)?;
    // While the secret is brought in node by node, a caller without a proof is answered. Its
    // identity is not used as a hint.
    let hint = (proven.is_some() || state.peers.is_none()).then_some(&theirs);
    let ours = state.service.exchange_identity(hint, from)?;
    let text = go_json::to_string(&ours) + "\n";
    let proof = proven.map(|proven| proven.prove_answer(ours.incarnation, text.as_bytes()));
    let mut response = error::json(StatusCode::OK, text);
    proof.into_iter().for_each(|proof| proof.put(&mut response));
    Ok(response)
}
