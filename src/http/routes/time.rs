//! `POST /repair-time`.

use axum::extract::Request;
use axum::response::Response;

use crate::http::answer_deadline;
use crate::http::body::{self, MAX_BODY_BYTES};
use crate::http::error::ErrorResponse;
use crate::http::leader::at_leader;
use crate::http::reply::no_content;
use crate::http::state::AppState;

pub(super) async fn repair(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = body::read_whole(request, MAX_BODY_BYTES, &state).await?;
    let service = &state.service;
    let deadline = answer_deadline::at_most(service.deadline(), &parts);
    let local = || async {
        service.repair_time(deadline).await?;
        Ok(no_content())
    };
    at_leader(service, &parts, &body, deadline, local).await
}
