//! Routes that the product has and this version does not: 501 says so, and a 404 would not.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use hyper::StatusCode;

use super::{State, other_method};
use crate::http::error::Failure;

const GET_ONLY: [&str; 2] = ["/lease", "/show-shards"];
const POST_ONLY: [&str; 6] =
    ["/add-data", "/remove-data", "/update-data", "/copy-shard", "/remove-shard", "/truncate-shards"];
const BOTH: [&str; 2] = ["/user", "/role"];

pub(super) fn routes(router: Router<Arc<State>>) -> Router<Arc<State>> {
    let read = GET_ONLY.iter().fold(Router::new(), |router, path| router.route(path, get(not_yet)));
    let write = POST_ONLY.iter().fold(Router::new(), |router, path| router.route(path, post(not_yet)));
    let both = BOTH.iter().fold(Router::new(), |router, path| router.route(path, get(not_yet).post(not_yet)));
    router
        .merge(read.method_not_allowed_fallback(other_method))
        .merge(write.method_not_allowed_fallback(other_method))
        .merge(both.method_not_allowed_fallback(other_method))
}

async fn not_yet(request: Request) -> Failure {
    let text = format!("not supported yet: {} {}", request.method(), request.uri().path());
    Failure::new(StatusCode::NOT_IMPLEMENTED, text)
}
