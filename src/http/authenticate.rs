//! In front of every route that is not open: who calls (wire.md 7).
//!
//! Open are `/ping`, `/status`, `/livez`, `/readyz` and, without what it tells to callers it knows,
//! `/healthz`. Meta nodes prove themselves at `/cluster/…` in a way of their own.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Uri};

use super::error::Failure;
use super::params::Params;
use super::routes::{AppState, State};
use crate::auth::{Caller, Credentials, Denied};

/// Leaves the [`Caller`] in the request's extensions.
pub(super) async fn require_caller(
    state: AppState,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if state.authenticator.is_enabled() {
        let shown = presented(request.uri(), request.headers());
        let caller = caller(&state, &shown).await?;
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

/// # Errors
/// Why the caller is not let in.
pub(super) async fn caller(state: &State, shown: &Credentials) -> Result<Caller, Denied> {
    state.authenticator.admit(shown, &*state.users).await
}

pub(super) fn presented(uri: &Uri, headers: &HeaderMap) -> Credentials {
    let query = Params::of_query(uri);
    let pair = query.get("u").zip(query.get("p"));
    Credentials::read(
        pair,
        headers.get(AUTHORIZATION).map(|value| value.as_bytes()),
    )
}

/// Whether a password stands in the URL, which then has to stay out of a `Location`.
pub(super) fn has_password(uri: &Uri) -> bool {
    Params::of_query(uri).get("p").is_some()
}
