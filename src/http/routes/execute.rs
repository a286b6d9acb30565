//! `POST /execute`: a command of the wire, answered with the wire's `Response` (wire.md 4.7).

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;

use crate::http::answer_deadline;
use crate::http::body::{self, MAX_EXECUTE_BYTES};
use crate::http::error::ErrorResponse;
use crate::http::leader::at_leader_or_redirect;
use crate::http::reply::{OCTET_STREAM, ok_bytes};
use crate::http::state::AppState;
use crate::service::Limits;
use crate::wire::{budget, envelope};

/// Timeout for the leader's answer to a forwarded command that may be a large restore.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(3600);

pub(super) async fn execute(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = body::read_whole(request, MAX_EXECUTE_BYTES, &state).await?;
    let service = &state.service;
    let deadline = answer_deadline::at_most(service.deadline(), &parts);
    let local = || async {
        let response = service.execute(body.clone(), deadline).await?;
        Ok(ok_bytes(OCTET_STREAM, response))
    };
    let mut limits = Limits::from(deadline);
    if envelope::is_large(&body) && budget::is_restore(&body) {
        // The leader may propose a restore in parts, each with a deadline of its own.
        limits.answer = deadline + RESTORE_TIMEOUT;
    }
    at_leader_or_redirect(service, &parts, &body, limits, local).await
}
