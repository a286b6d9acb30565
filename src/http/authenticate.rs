//! Authentication of callers, before every route that is not open (wire.md 7).
//!
//! Open routes are `/ping`, `/status`, `/livez`, `/readyz`, and `/healthz`, which tells an
//! unauthenticated caller less. Where meta nodes prove the secret, strangers get no ids. At `/cluster/…` meta nodes prove the secret instead.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Uri};

use super::error::ErrorResponse;
use super::params::Params;
use super::request_context::peer_ip;
use super::state::{AppState, State};
use crate::auth::{Caller, Credentials, Denied};

pub(super) async fn require_caller(
    state: AppState,
    request: Request,
    next: Next,
) -> Result<Response, ErrorResponse> {
    if state.authenticator.is_enabled() {
        let presented = presented(request.uri(), request.headers());
        let from = peer_ip(request.extensions());
        admit(&state, &presented, from)
            .await
            .inspect_err(|denied| state.refused_callers.report(from, denied))?;
    }
    Ok(next.run(request).await)
}

/// Checks credentials.
///
/// # Errors
/// The reason why the caller is refused.
pub(super) async fn admit(
    state: &State,
    presented: &Credentials,
    from: IpAddr,
) -> Result<Caller, Denied> {
    state
        .authenticator
        .admit(presented, from, &*state.users)
        .await
}

/// Returns whether the caller of an open route may learn the ids of this node and of its cluster:
/// cluster id, incarnations and Raft ids.
///
/// Where other meta nodes must prove the secret, port 8089 tells nobody who this node is before
/// that proof, so HTTP must not either. The ids are told to programs on this host and to callers
/// with an internal token.
pub(super) fn may_read_ids(state: &State, request: &Request) -> bool {
    !state.service.peer_policy().refuses_unproven()
        || peer_ip(request.extensions()).to_canonical().is_loopback()
        || state
            .authenticator
            .is_internal(&presented(request.uri(), request.headers()))
}

/// Returns the same for a route behind [`require_caller`], which with `auth-enabled` has let the
/// caller in.
pub(super) fn admitted_may_read_ids(state: &State, request: &Request) -> bool {
    state.authenticator.is_enabled() || may_read_ids(state, request)
}

pub(super) fn presented(uri: &Uri, headers: &HeaderMap) -> Credentials {
    let query = Params::from_query(uri);
    let pair = query.get("u").zip(query.get("p"));
    Credentials::read(
        pair,
        headers.get(AUTHORIZATION).map(|value| value.as_bytes()),
    )
}

/// Returns whether the URL contains a password, which must then not be in a `Location`.
pub(super) fn has_password(uri: &Uri) -> bool {
    Params::from_query(uri).get("p").is_some()
}
