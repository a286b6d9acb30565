//! `/add-data`, `/remove-data`, `/update-data`: data nodes come, go and move (wire.md 6.2).

use axum::extract::Request;
use axum::response::Response;

use super::Shared;
use crate::http::error::Failure;
use crate::http::form::Form;
use crate::http::leader::{By, at_leader};
use crate::http::reply::{no_content, ok_json};
use crate::service::Manner;

/// Adds the data node at `addr`, `passive` or not, answered with what the catalog says of it.
/// Always carried: Helm's curl follows no redirect (clients.md trap 11).
pub(super) async fn add(state: Shared, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (addr, passive) = (form.required("addr")?, form.is_true("passive"));
    let here = || async {
        Ok(service
            .add_data(addr, passive)
            .await?
            .map(|node| ok_json(&node)))
    };
    let limits = service.data_node_limits(Manner::Again);
    at_leader(service, &form.parts, &form.body, limits, By::Carrying, here).await
}

/// Takes the data node at `addr` out.
pub(super) async fn remove(state: Shared, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (addr, force) = (form.required("addr")?, form.is_true("force"));
    let here = || async {
        Ok(service
            .remove_data(addr, force)
            .await?
            .map(|()| no_content()))
    };
    let limits = service.data_node_limits(Manner::Once);
    at_leader(service, &form.parts, &form.body, limits, By::HostName, here).await
}

/// The node at `newAddr` takes the place of the one at `oldAddr`: another machine, or the same one
/// with a new disk.
pub(super) async fn update(state: Shared, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (old, new) = (form.required("oldAddr")?, form.required("newAddr")?);
    let here = || async {
        Ok(service
            .update_data(old, new)
            .await?
            .map(|node| ok_json(&node)))
    };
    let limits = service.data_node_limits(Manner::Again);
    at_leader(service, &form.parts, &form.body, limits, By::HostName, here).await
}
