//! `POST /execute`: a command of the wire, answered with the wire's `Response` (wire.md 4.7).

use axum::extract::Request;
use axum::response::Response;

use crate::http::body::{self, MAX_EXECUTE_BYTES};
use crate::http::error::ErrorResponse;
use crate::http::leader::{Route, at_leader};
use crate::http::reply::{OCTET_STREAM, ok_bytes};
use crate::http::state::AppState;

pub(super) async fn execute(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = body::read_whole(request, MAX_EXECUTE_BYTES, &state).await?;
    let service = &state.service;
    let deadline = service.deadline();
    let local = || async {
        let response = service.execute(body.clone(), deadline).await?;
        Ok(ok_bytes(OCTET_STREAM, response))
    };
    at_leader(
        service,
        &parts,
        &body,
        deadline,
        Route::RedirectIfPossible,
        local,
    )
    .await
}
