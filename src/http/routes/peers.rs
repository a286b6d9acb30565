//! The paths of `wire::joining`: what meta nodes ask each other besides their identity, and its
//! proofs (founding.md 6 to 8, 11).
//!
//! What only the leader can answer is carried to it and never redirected: the proofs cover the
//! incarnations of who asks and of who answers, whoever carries them.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;

use super::AppState;
use crate::base::Incarnation;
use crate::http::body::{self, MAX_IDENTITY_BYTES};
use crate::http::error::{Failure, head, json};
use crate::http::json::go_json;
use crate::http::leader::{Route, at_leader, caller, is_forwarded};
use crate::http::proof::{Proven, wrong_secret};
use crate::wire::api::ErrorBody;
use crate::wire::joining::Refused;

/// What all of their bodies have: who speaks.
#[derive(Deserialize)]
struct Speaker {
    from: Incarnation,
}

pub(super) async fn answer(state: AppState, request: Request) -> Result<Response, Failure> {
    let (parts, body) = body::read_whole(request, MAX_IDENTITY_BYTES, &state.config).await?;
    let Speaker { from } = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad(format!("the body is no request of a meta node: {error}")))?;
    let (service, path) = (&state.service, parts.uri.path());
    let key = state.config.peer_key.as_ref();
    let proven = Proven::check(key, &parts.headers, path, from, &body)?;
    // Where callers are checked, meta nodes are: also in a cluster that was founded without the
    // secret.
    if proven.is_none()
        && key.is_some()
        && (service.needs_proof() || state.authenticator.is_enabled())
    {
        return Err(wrong_secret());
    }
    let (ip, deadline) = (
        caller(&parts),
        service.joining_deadline(is_forwarded(&parts)),
    );
    let here = || async {
        let answered = service.peer_request(path, &body, ip, deadline).await?;
        Ok(answered.map(|(status, text)| reply(proven.as_ref(), status, text)))
    };
    let answered = at_leader(service, &parts, &body, deadline, Route::AlwaysForward, here).await;
    Ok(answered.unwrap_or_else(|failure| said_by_us(&state, proven.as_ref(), failure)))
}

fn reply(proven: Option<&Proven<'_>>, status: u16, text: Bytes) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let speaker = serde_json::from_slice::<Speaker>(&text);
    let mut response = json(status, String::new());
    if let Some(proof) = proven
        .zip(speaker.ok())
        .map(|(proven, callee)| proven.answer(callee.from, &text))
    {
        proof.put(&mut response);
    }
    if status.as_u16() >= 400
        && let Ok(ErrorBody { error }) = serde_json::from_slice(&text)
    {
        head(&mut response, &error);
    }
    *response.body_mut() = Body::from(text);
    response
}

/// Why there is no answer: the body says who says so, as all of theirs do, and is proven like them.
fn said_by_us(state: &AppState, proven: Option<&Proven<'_>>, failure: Failure) -> Response {
    let error = failure.text().to_owned();
    let mut response = failure.into_response();
    let Some(from) = state.service.incarnation() else {
        return response;
    };
    let text = go_json(&Refused {
        error,
        from,
        removed: None,
    });
    if let Some(proven) = proven {
        proven.answer(from, text.as_bytes()).put(&mut response);
    }
    *response.body_mut() = Body::from(text);
    response
}
