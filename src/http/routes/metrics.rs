//! `/metrics`, in the text format of Prometheus.

use axum::response::Response;

use crate::http::reply::ok_bytes;
use crate::http::state::AppState;

pub(super) async fn metrics(state: AppState) -> Response {
    ok_bytes(
        "text/plain; version=0.0.4; charset=utf-8",
        state.service.metrics_text(),
    )
}
