//! `/livez`, `/readyz`, `/healthz`, `/health`.

use axum::extract::Request;
use axum::response::Response;
use hyper::StatusCode;
use serde::Serialize;

use crate::http::authenticate::{admit, admitted_may_read_ids, may_read_ids, presented};
use crate::http::error::{json, set_error_header};
use crate::http::params::Params;
use crate::http::reply::ok_json;
use crate::http::request_context::peer_ip;
use crate::http::state::AppState;
use crate::wire::api::Live;
use crate::wire::go_json;

/// Answers that the process serves. A disk that fails ends the process; a halted node is kept
/// running on purpose, so that it can be examined.
pub(super) async fn livez() -> Response {
    ok_json(&Live {
        status: "ok".to_owned(),
    })
}

/// Answers whether this node is ready; with `?voter`, also whether it is a voter.
pub(super) async fn readyz(state: AppState, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let voter = query == "voter" || Params::from_query(request.uri()).get("voter").is_some();
    let mut ready = state.service.ready(voter);
    if !may_read_ids(&state, &request) {
        ready.hide_ids();
    }
    let error = ready.error.clone();
    pass_or_fail(&ready, error.map(|error| format!("not ready: {error}")))
}

pub(super) async fn health(state: AppState, request: Request) -> Response {
    let mut summary = state.service.health_summary();
    if !admitted_may_read_ids(&state, &request) {
        summary.hide_ids();
    }
    let error = summary.error.clone();
    pass_or_fail(&summary, error)
}

/// Answers operators and `influxd-ctl show -v` with the whole state, always with 200. A caller that
/// is not authenticated gets no more than a probe needs. Without `auth-enabled` a stranger gets all
/// but the ids.
pub(super) async fn healthz(state: AppState, request: Request) -> Response {
    let presented = presented(request.uri(), request.headers());
    if let Err(_denied) = admit(&state, &presented, peer_ip(request.extensions())).await {
        return ok_json(&state.service.health_phase());
    }
    let mut health = state.service.health();
    if !admitted_may_read_ids(&state, &request) {
        health.hide_ids();
    }
    ok_json(&health)
}

fn pass_or_fail<T: Serialize>(body: &T, error: Option<String>) -> Response {
    let Some(error) = error else {
        return ok_json(body);
    };
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, go_json::to_string(body));
    set_error_header(&mut response, &error);
    response
}
