//! Routes that the product has and this version does not: 501 says so, and a 404 would not.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use hyper::StatusCode;

use super::{State, other_method};
use crate::http::error::Failure;

const BOTH: [&str; 2] = ["/user", "/role"];

pub(super) fn routes(router: Router<Arc<State>>) -> Router<Arc<State>> {
    let both = BOTH.iter().fold(Router::new(), |router, path| router.route(path, get(not_yet).post(not_yet)));
    router.merge(both.method_not_allowed_fallback(other_method))
}

async fn not_yet(request: Request) -> Failure {
    let text = format!("not supported yet: {} {}", request.method(), request.uri().path());
    Failure::new(StatusCode::NOT_IMPLEMENTED, text)
}
