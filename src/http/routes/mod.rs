//! The table of routes. Each file is one noun: parse, call `service`, shape the reply.

mod announce;
mod data;
mod execute;
mod health;
mod identity;
mod joining;
mod labels;
mod later;
mod lease;
mod members;
mod metrics;
mod peers;
mod shards;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use hyper::{Method, StatusCode};

use super::error::Failure;
use super::server::HttpConfig;
use crate::service::Service;
use crate::wire::joining as paths;

/// What routes get: the service, and the limits for bodies.
pub(super) struct State {
    pub(super) service: Arc<Service>,
    pub(super) config: HttpConfig,
}

pub(super) type Shared = axum::extract::State<Arc<State>>;

/// Paths by which requests are counted.
pub const ROUTES: &[&str] = &[
    "/",
    "/execute",
    "/ping",
    "/status",
    "/peers",
    "/show-cluster",
    "/announce",
    "/join",
    "/leave",
    "/remove",
    "/node-labels",
    "/lease",
    "/show-shards",
    "/add-data",
    "/remove-data",
    "/update-data",
    "/copy-shard",
    "/copy-shard-status",
    "/remove-shard",
    "/truncate-shards",
    "/cluster/identity",
    paths::JOIN,
    paths::MOVED,
    paths::REMOVED,
    paths::PROMISE,
    paths::INVITE,
    paths::LEAVE,
    paths::FORM,
    "/livez",
    "/readyz",
    "/healthz",
    "/health",
    "/metrics",
];

/// Where a path is counted; beyond the end for all others.
pub(super) fn place(path: &str) -> usize {
    ROUTES.iter().position(|route| *route == path).unwrap_or(ROUTES.len())
}

pub(super) fn router(service: Arc<Service>, config: HttpConfig) -> Router {
    let read = Router::new()
        .route("/", get(watch::watch))
        .route("/ping", get(members::ping))
        .route("/status", get(members::status))
        .route("/peers", get(members::peers))
        .route("/show-cluster", get(members::show_cluster))
        .route("/show-shards", get(shards::show))
        .route("/copy-shard-status", get(shards::copies))
        .route("/lease", get(lease::acquire))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/healthz", get(health::healthz))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .method_not_allowed_fallback(other_method);
    let write = Router::new()
        .route("/execute", post(execute::execute))
        .route("/announce", post(announce::announce))
        .route("/join", post(joining::join))
        .route("/leave", post(joining::leave))
        .route("/remove", post(joining::remove))
        .route("/node-labels", post(labels::change))
        .route("/add-data", post(data::add))
        .route("/remove-data", post(data::remove))
        .route("/update-data", post(data::update))
        .route("/copy-shard", post(shards::copy))
        .route("/remove-shard", post(shards::remove))
        .route("/truncate-shards", post(shards::truncate))
        .method_not_allowed_fallback(other_method);
    let both = Router::new()
        .route("/cluster/identity", get(identity::show).post(identity::exchange))
        .method_not_allowed_fallback(other_method);
    let between =
        [paths::JOIN, paths::MOVED, paths::REMOVED, paths::PROMISE, paths::INVITE, paths::LEAVE, paths::FORM]
            .into_iter()
            .fold(Router::new(), |router, path| router.route(path, post(peers::answer)))
            .method_not_allowed_fallback(other_method);
    let known = read.merge(write).merge(both).merge(between);
    later::routes(known).fallback(unknown).with_state(Arc::new(State { service, config }))
}

/// Ansible's tests ask for `/ding` and want 400 with "error parsing index" (clients.md trap 15).
async fn unknown(request: Request) -> Failure {
    let path = request.uri().path();
    if *request.method() == Method::GET || *request.method() == Method::HEAD {
        Failure::bad(format!("error parsing index: unknown path {path}"))
    } else {
        Failure::new(StatusCode::NOT_FOUND, format!("unknown path: {} {path}", request.method()))
    }
}

/// A known path: 404 for the other of GET and POST, 400 for a method that no path has (wire.md 4.1).
async fn other_method(request: Request) -> Failure {
    let (method, path) = (request.method(), request.uri().path());
    let known = matches!(*method, Method::GET | Method::HEAD | Method::POST);
    let status = if known { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
    Failure::new(status, format!("{path} does not take {method}"))
}
