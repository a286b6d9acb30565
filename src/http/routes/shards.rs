//! `/show-shards`, `/copy-shard`, `/copy-shard-status`, `/remove-shard`, `/truncate-shards`
//! (wire.md 6).

use axum::extract::Request;
use axum::response::Response;

use super::AppState;
use crate::base::ShardId;
use crate::http::error::Failure;
use crate::http::form::Form;
use crate::http::leader::{Route, at_leader};
use crate::http::params::Params;
use crate::http::reply::{no_content, ok_json};
use crate::service::{Retry, Which};
use crate::wire::go_duration;

/// `verbose`, `expired` and `inconsistent` are true when they are exactly `true`.
pub(super) async fn show(state: AppState, request: Request) -> Result<Response, Failure> {
    let params = Params::of_query(request.uri());
    let is_true = |name: &str| params.get(name) == Some("true");
    let which = Which {
        verbose: is_true("verbose"),
        expired: is_true("expired"),
        inconsistent: is_true("inconsistent"),
    };
    Ok(ok_json(&state.service.show_shards(which).await?))
}

pub(super) async fn copy(state: AppState, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (src, dest) = (parameter(&form, "src")?, parameter(&form, "dest")?);
    if src == dest {
        return Err(Failure::bad("dest and src are the same"));
    }
    let shard = shard(&form)?;
    let here = || async {
        Ok(service
            .copy_shard(src, dest, shard)
            .await?
            .map(|()| no_content()))
    };
    at_leader(
        service,
        &form.parts,
        &form.body,
        service.copy_limits(),
        Route::RedirectIfPossible,
        here,
    )
    .await
}

/// Only the leader, who gave the order, knows of a copy.
pub(super) async fn copies(state: AppState, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let here = || async {
        Ok(service
            .copies_in_progress()
            .await?
            .map(|copies| ok_json(&copies)))
    };
    at_leader(
        service,
        &form.parts,
        &form.body,
        service.data_node_limits(Retry::Idempotent),
        Route::RedirectIfPossible,
        here,
    )
    .await
}

pub(super) async fn remove(state: AppState, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let (src, shard, force) = (
        parameter(&form, "src")?,
        shard(&form)?,
        form.is_true("force"),
    );
    let here = || async {
        Ok(service
            .remove_shard(src, shard, force)
            .await?
            .map(|()| no_content()))
    };
    at_leader(
        service,
        &form.parts,
        &form.body,
        service.removal_limits(),
        Route::RedirectIfPossible,
        here,
    )
    .await
}

pub(super) async fn truncate(state: AppState, request: Request) -> Result<Response, Failure> {
    let form = Form::read(&state.config, request).await?;
    let service = &state.service;
    let delay = go_duration::parse(form.params.get("delay").unwrap_or_default())
        .map_err(|error| Failure::bad(error.to_string()))?;
    let here = || async { Ok(service.truncate_shards(delay).await?.map(|()| no_content())) };
    let limits = service.data_node_limits(Retry::Never);
    at_leader(
        service,
        &form.parts,
        &form.body,
        limits,
        Route::RedirectIfPossible,
        here,
    )
    .await
}

fn parameter<'a>(form: &'a Form, name: &str) -> Result<&'a str, Failure> {
    form.params
        .get(name)
        .ok_or_else(|| Failure::bad(format!("'{name}' is a required parameter")))
}

fn shard(form: &Form) -> Result<ShardId, Failure> {
    let text = form.params.get("shard").unwrap_or_default();
    match text.parse() {
        Ok(0) => Err(Failure::bad(
            "invalid parameter value for 'shard': shard id must be greater than 0",
        )),
        Ok(id) => Ok(ShardId(id)),
        Err(_) => Err(Failure::bad(format!(
            "error converting shard to int: {text:?} is no shard id"
        ))),
    }
}
