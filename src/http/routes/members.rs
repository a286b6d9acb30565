//! `/ping`, `/status`, `/peers`, `/show-cluster`: always 200, at once, whatever the state of the
//! cluster (clients.md trap 14: probes come before there is one).

use axum::extract::Request;
use axum::response::Response;

use crate::http::error::ErrorResponse;
use crate::http::params::Params;
use crate::http::reply::{ok_json, ok_text};
use crate::http::state::AppState;

/// Returns the leader's Raft address as this node knows it; with `?all`, 500 unless all meta nodes
/// agree.
pub(super) async fn ping(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let all = Params::from_query(request.uri()).get("all").is_some();
    let leader = if all {
        state.service.ping_all().await?
    } else {
        state.service.leader()
    };
    Ok(ok_text(leader))
}

pub(super) async fn status(state: AppState) -> Response {
    ok_json(&state.service.status())
}

pub(super) async fn peers(state: AppState) -> Response {
    ok_json(&state.service.peers())
}

pub(super) async fn show_cluster(state: AppState) -> Response {
    ok_json(&state.service.show_cluster())
}
