//! `/add-data`, `/remove-data`, `/update-data`: data nodes come, go and move (wire.md 6.2).

use axum::extract::Request;
use axum::response::Response;

use super::Shared;
use crate::http::error::Failure;
use crate::http::form::Form;
use crate::http::leader::{By, at_leader};
use crate::http::reply::{no_content, ok_json};

/// Adds the data node at `addr`, `passive` or not, answered with what the catalog says of it. Always carried: Helm's
/// curl follows no redirect (clients.md trap 11).
pub(super) async fn add(state: Shared, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (addr, passive) = (form.required("addr")?, form.is_true("passive"));
    let deadline = service.data_node_deadline();
    let here = || async { Ok(service.add_data(addr, passive, deadline).await?.map(|node| ok_json(&node))) };
    at_leader(service, &form.parts, &form.body, deadline, By::Carrying, here).await
}

/// Takes the data node at `addr` out.
pub(super) async fn remove(state: Shared, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (addr, force) = (form.required("addr")?, form.is_true("force"));
    let deadline = service.data_node_deadline();
    let here = || async { Ok(service.remove_data(addr, force, deadline).await?.map(|()| no_content())) };
    at_leader(service, &form.parts, &form.body, deadline, By::HostName, here).await
}

/// The node at `newAddr` takes the place of the one at `oldAddr`. They may be the same: a node that lost its disk takes
/// its own place again.
pub(super) async fn update(state: Shared, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (old, new) = (form.required("oldAddr")?, form.required("newAddr")?);
    let deadline = service.data_node_deadline();
    let here = || async { Ok(service.update_data(old, new, deadline).await?.map(|node| ok_json(&node))) };
    at_leader(service, &form.parts, &form.body, deadline, By::HostName, here).await
}
