//! `/add-data`, `/drain-data`, `/remove-data`, `/update-data`: adds, empties, removes and moves data
//! nodes (wire.md 6.2).

use axum::extract::Request;
use axum::response::Response;

use crate::http::error::ErrorResponse;
use crate::http::form::Form;
use crate::http::reply::{no_content, ok_json};
use crate::http::state::AppState;
use crate::service::Retry;

/// Adds the data node at `addr`, `passive` or not, and returns its entry in the catalog. Always
/// forwarded: Helm's curl follows no redirect (clients.md trap 11).
pub(super) async fn add(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let (addr, passive) = (form.required("addr")?, form.is_true("passive"));
    let local = || async { Ok(ok_json(&service.add_data(addr, passive).await?)) };
    let limits = service.data_node_limits(Retry::Idempotent);
    form.at_leader(service, limits, local).await
}

/// Removes the data node at `addr`. The original has no answer; with `report` there is one.
pub(super) async fn remove(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let (addr, force) = (form.required("addr")?, form.is_true("force"));
    let local = || async {
        let removed = service.remove_data(addr, force).await?;
        Ok(if form.is_true("report") {
            ok_json(&removed)
        } else {
            no_content()
        })
    };
    let limits = service.data_node_limits(Retry::Never);
    form.at_leader(service, limits, local).await
}

/// Prepares the removal of the data node at `addr`, and returns the next copy to make; with `cancel`
/// ends that. Only here: the original has no such route.
pub(super) async fn drain(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let (addr, force) = (form.required("addr")?, form.is_true("force"));
    let local = || async {
        if form.is_true("cancel") {
            service.cancel_drain(addr).await?;
            return Ok(no_content());
        }
        Ok(ok_json(&service.drain_data(addr, force).await?))
    };
    let limits = service.data_node_limits(Retry::Idempotent);
    form.at_leader(service, limits, local).await
}

/// Puts the node at `newAddr` in the place of the one at `oldAddr`: another machine, or the same
/// one with a new disk.
pub(super) async fn update(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let (old, new) = (form.required("oldAddr")?, form.required("newAddr")?);
    let local = || async { Ok(ok_json(&service.update_data(old, new).await?)) };
    let limits = service.data_node_limits(Retry::Idempotent);
    form.at_leader(service, limits, local).await
}
