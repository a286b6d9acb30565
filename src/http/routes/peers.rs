//! The paths of `wire::joining`: requests between meta nodes besides their identity, with proofs
//! (founding.md 6 to 8, 11).
//!
//! Requests that only the leader can answer are forwarded to it and never redirected: the proofs
//! cover the incarnations of the caller and of the answering node, whichever node forwards them.

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;

use crate::base::Incarnation;
use crate::http::answer_deadline;
use crate::http::body::{self, MAX_IDENTITY_BYTES};
use crate::http::error::{ErrorResponse, json, set_error_header};
use crate::http::leader::{at_leader, caller_ip, is_forwarded};
use crate::http::proof::{Proven, check_head, put_challenge};
use crate::http::state::AppState;
use crate::wire::api::ErrorBody;
use crate::wire::go_json;
use crate::wire::joining::RefusedBody;

/// The field that all bodies have: the incarnation of the sender.
#[derive(Deserialize)]
struct Sender {
    from: Incarnation,
}

pub(super) async fn answer(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, request) = body::split(request);
    check_head(state.service.peer_policy(), &parts.headers)?;
    let body = body::read_unproven(request, MAX_IDENTITY_BYTES, &state).await?;
    let answered = execute(&state, &parts, &body).await;
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    put_challenge(state.peers.as_deref(), &mut response);
    Ok(response)
}

async fn execute(state: &AppState, parts: &Parts, body: &Bytes) -> Result<Response, ErrorResponse> {
    let Sender { from } = serde_json::from_slice(body).map_err(|error| {
        ErrorResponse::bad(format!("the body is no request of a meta node: {error}"))
    })?;
    let (service, path) = (&state.service, parts.uri.path());
    let proven = Proven::check(state, &parts.headers, path, from, body)?;
    let ip = caller_ip(parts);
    let deadline = answer_deadline::at_most(service.joining_deadline(is_forwarded(parts)), parts);
    let local = || async {
        let (status, text) = service.peer_request(path, body, ip, deadline).await?;
        Ok(reply(proven.as_ref(), status, text))
    };
    let answered = at_leader(service, parts, body, deadline, local).await;
    Ok(answered.unwrap_or_else(|failure| local_failure(state, proven.as_ref(), failure)))
}

fn reply(proven: Option<&Proven>, status: u16, text: Bytes) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let sender = serde_json::from_slice::<Sender>(&text);
    let mut response = json(status, String::new());
    if let Some(proof) = proven
        .zip(sender.ok())
        .map(|(proven, callee)| proven.prove_answer(callee.from, &text))
    {
        proof.put(&mut response);
    }
    if status.as_u16() >= 400
        && let Ok(ErrorBody { error }) = serde_json::from_slice(&text)
    {
        set_error_header(&mut response, &error);
    }
    *response.body_mut() = Body::from(text);
    response
}

/// Returns an error of this node. Its body names this node as the sender, as all bodies do, and is
/// proven like them.
fn local_failure(state: &AppState, proven: Option<&Proven>, failure: ErrorResponse) -> Response {
    let error = failure.text().to_owned();
    let mut response = failure.into_response();
    let Some(from) = state.service.incarnation() else {
        return response;
    };
    let text = go_json::to_string(&RefusedBody {
        error,
        from,
        removed: None,
    });
    if let Some(proven) = proven {
        proven
            .prove_answer(from, text.as_bytes())
            .put(&mut response);
    }
    *response.body_mut() = Body::from(text);
    response
}
