//! `POST /announce`: announcements of data nodes and meta nodes about themselves (wire.md 8).

use axum::extract::Request;
use axum::response::Response;

use crate::http::body::{self, MAX_BODY_BYTES};
use crate::http::error::ErrorResponse;
use crate::http::reply::no_content;
use crate::http::state::AppState;

pub(super) async fn announce(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let body = body::read(request, MAX_BODY_BYTES, &state).await?;
    let announcement =
        serde_json::from_slice(&body).map_err(|error| ErrorResponse::bad(error.to_string()))?;
    state.service.announced(&announcement);
    Ok(no_content())
}
