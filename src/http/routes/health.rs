//! `/livez`, `/readyz`, `/healthz`, `/health`.

use axum::extract::Request;
use axum::response::Response;
use hyper::StatusCode;
use serde::Serialize;

use crate::http::authenticate::{admit, presented};
use crate::http::error::{json, set_error_header};
use crate::http::json::go_json;
use crate::http::params::Params;
use crate::http::reply::ok_json;
use crate::http::state::AppState;
use crate::wire::api::Live;

/// The process serves. A disk that fails ends the process, and a halted node is kept alive on
/// purpose.
pub(super) async fn livez() -> Response {
    ok_json(&Live {
        status: "ok".to_owned(),
    })
}

/// `?voter` asks for a vote as well.
pub(super) async fn readyz(state: AppState, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let voter = query == "voter" || Params::from_query(request.uri()).get("voter").is_some();
    let ready = state.service.ready(voter);
    let error = ready.error.clone();
    pass_or_fail(&ready, error.map(|error| format!("not ready: {error}")))
}

pub(super) async fn health(state: AppState) -> Response {
    let summary = state.service.health_summary();
    let error = summary.error.clone();
    pass_or_fail(&summary, error)
}

/// For people and `influxd-ctl show -v`: says everything, and is 200 also when that is bad news.
/// Who is not known here, or not let in, is told as much as a probe needs.
pub(super) async fn healthz(state: AppState, request: Request) -> Response {
    let presented = presented(request.uri(), request.headers());
    match admit(&state, &presented).await {
        Ok(_) => ok_json(&state.service.health()),
        Err(_) => ok_json(&state.service.health_phase()),
    }
}

fn pass_or_fail<T: Serialize>(body: &T, error: Option<String>) -> Response {
    let Some(error) = error else {
        return ok_json(body);
    };
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, go_json(body));
    set_error_header(&mut response, &error);
    response
}
