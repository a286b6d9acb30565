//! Routes that the product has and this version does not: 501 says so, and a 404 would not.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use hyper::StatusCode;

use crate::http::error::Failure;
use crate::http::state::{Methods, State};

const BOTH: [&str; 2] = ["/user", "/role"];

pub(super) fn routes(guarded: &dyn Fn(Methods) -> Methods) -> Router<Arc<State>> {
    BOTH.iter().fold(Router::new(), |router, path| {
        router.route(path, guarded(get(not_yet).post(not_yet)))
    })
}

async fn not_yet(request: Request) -> Failure {
    let text = format!(
        "not supported yet: {} {}",
        request.method(),
        request.uri().path()
    );
    Failure::new(StatusCode::NOT_IMPLEMENTED, text)
}
