//! Routes of the product that this version does not have: they answer 501, which a 404 would hide.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use hyper::StatusCode;

use crate::http::error::ErrorResponse;
use crate::http::state::{Methods, State};

const PATHS: [&str; 2] = ["/user", "/role"];

pub(super) fn routes(authenticated: &dyn Fn(Methods) -> Methods) -> Router<Arc<State>> {
    PATHS.iter().fold(Router::new(), |router, path| {
        router.route(
            path,
            authenticated(get(not_implemented).post(not_implemented)),
        )
    })
}

async fn not_implemented(request: Request) -> ErrorResponse {
    let text = format!(
        "not supported yet: {} {}",
        request.method(),
        request.uri().path()
    );
    ErrorResponse::new(StatusCode::NOT_IMPLEMENTED, text)
}
