//! The table of routes. Each file handles one noun: it parses the request, calls `service`, and
//! shapes the reply.

mod accounts;
mod announce;
mod data;
mod execute;
mod health;
mod identity;
mod joining;
mod labels;
mod lease;
mod members;
mod metrics;
mod peers;
mod shards;
mod time;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use hyper::{Method, StatusCode};

use super::authenticate::require_caller;
use super::error::ErrorResponse;
use super::state::{Methods, State};
use crate::wire::joining as paths;

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
    "/user",
    "/role",
    "/authorized",
    "/lease",
    "/show-shards",
    "/add-data",
    "/remove-data",
    "/drain-data",
    "/update-data",
    "/copy-shard",
    "/copy-shard-status",
    "/remove-shard",
    "/truncate-shards",
    "/repair-time",
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

/// Returns the index at which a path is counted: the one after the last for all paths that are not
/// listed.
pub(super) fn route_index(path: &str) -> usize {
    ROUTES
        .iter()
        .position(|route| *route == path)
        .unwrap_or(ROUTES.len())
}

pub(super) fn router(state: Arc<State>) -> Router {
    // Authenticates only the methods that a path has: for others no credentials are needed
    // (wire.md 4.1).
    let authenticated =
        |methods: Methods| methods.route_layer(from_fn_with_state(state.clone(), require_caller));
    let open = Router::new()
        .route("/ping", get(members::ping))
        .route("/status", get(members::status))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/healthz", get(health::healthz));
    let read = Router::new()
        .route("/", authenticated(get(watch::watch)))
        .route("/peers", authenticated(get(members::peers)))
        .route("/show-cluster", authenticated(get(members::show_cluster)))
        .route("/show-shards", authenticated(get(shards::show)))
        .route(
            "/copy-shard-status",
            authenticated(get(shards::copies_in_progress)),
        )
        .route("/lease", authenticated(get(lease::acquire)))
        .route(
            "/user",
            authenticated(get(accounts::users).post(accounts::change_user)),
        )
        .route(
            "/role",
            authenticated(get(accounts::roles).post(accounts::change_role)),
        )
        .route("/authorized", authenticated(get(accounts::authorized)))
        .route("/health", authenticated(get(health::health)))
        .route("/metrics", authenticated(get(metrics::metrics)));
    let write = Router::new()
        .route("/execute", authenticated(post(execute::execute)))
        .route("/announce", authenticated(post(announce::announce)))
        .route("/join", authenticated(post(joining::join)))
        .route("/leave", authenticated(post(joining::leave)))
        .route("/remove", authenticated(post(joining::remove)))
        .route("/node-labels", authenticated(post(labels::change)))
        .route("/add-data", authenticated(post(data::add)))
        .route("/remove-data", authenticated(post(data::remove)))
        .route("/drain-data", authenticated(post(data::drain)))
        .route("/update-data", authenticated(post(data::update)))
        .route("/copy-shard", authenticated(post(shards::copy)))
        .route("/remove-shard", authenticated(post(shards::remove)))
        .route("/truncate-shards", authenticated(post(shards::truncate)))
        .route("/repair-time", authenticated(post(time::repair)));
    let identity = authenticated(get(identity::show)).post(identity::exchange);
    let proven = [
        paths::JOIN,
        paths::MOVED,
        paths::REMOVED,
        paths::PROMISE,
        paths::INVITE,
        paths::LEAVE,
        paths::FORM,
    ]
    .into_iter()
    .fold(Router::new(), |router, path| {
        router.route(path, post(peers::answer))
    });
    open.merge(read)
        .merge(write)
        .merge(proven.route("/cluster/identity", identity))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(unknown_path)
        .with_state(state)
}

/// Answers unknown paths. Ansible's tests ask for `/ding` and expect 400 with "error parsing index"
/// (clients.md trap 15).
async fn unknown_path(request: Request) -> ErrorResponse {
    let path = request.uri().path();
    if *request.method() == Method::GET || *request.method() == Method::HEAD {
        ErrorResponse::bad(format!("error parsing index: unknown path {path}"))
    } else {
        ErrorResponse::new(
            StatusCode::NOT_FOUND,
            format!("unknown path: {} {path}", request.method()),
        )
    }
}

/// Answers methods that a known path does not have: 404 for GET or POST, 400 for any other method
/// (wire.md 4.1).
async fn method_not_allowed(request: Request) -> ErrorResponse {
    let (method, path) = (request.method(), request.uri().path());
    let known = matches!(*method, Method::GET | Method::HEAD | Method::POST);
    let status = if known {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::BAD_REQUEST
    };
    ErrorResponse::new(status, format!("{path} does not take {method}"))
}
