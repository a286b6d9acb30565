//! `/show-shards`, `/copy-shard`, `/copy-shard-status`, `/remove-shard`, `/truncate-shards`
//! (wire.md 6).

use axum::extract::Request;
use axum::response::Response;

use crate::base::ShardId;
use crate::http::answer_deadline;
use crate::http::error::ErrorResponse;
use crate::http::form::Form;
use crate::http::params::Params;
use crate::http::reply::{no_content, ok_json, ok_pages};
use crate::http::state::AppState;
use crate::service::{Limits, Retry, ShardFilter};
use crate::wire::go_duration;

/// Lists shards. `verbose`, `expired` and `inconsistent` are true when they are exactly `true`.
pub(super) async fn show(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let params = Params::from_query(request.uri());
    let is_true = |name: &str| params.get(name) == Some("true");
    let filter = ShardFilter {
        verbose: is_true("verbose"),
        expired: is_true("expired"),
        inconsistent: is_true("inconsistent"),
    };
    Ok(ok_pages(state.service.show_shards(filter).await?).await)
}

/// Copies a shard. The original has no answer; with `report` there is one.
pub(super) async fn copy(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let (src, dest) = (parameter(&form, "src")?, parameter(&form, "dest")?);
    if src == dest {
        return Err(ErrorResponse::bad("dest and src are the same"));
    }
    let shard = shard(&form)?;
    let local = || async {
        let copied = service.copy_shard(src, dest, shard).await?;
        Ok(if form.is_true("report") {
            ok_json(&copied)
        } else {
            no_content()
        })
    };
    form.at_leader(service, service.copy_limits(), local).await
}

/// Lists the copies under way. Only the leader, which started them, knows them.
pub(super) async fn copies_in_progress(
    state: AppState,
    request: Request,
) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let local = || async { Ok(ok_json(&service.copies_in_progress().await?)) };
    form.at_leader(service, service.data_node_limits(Retry::Idempotent), local)
        .await
}

pub(super) async fn remove(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let (src, shard, force) = (
        parameter(&form, "src")?,
        shard(&form)?,
        form.is_true("force"),
    );
    let local = || async {
        service.remove_shard(src, shard, force).await?;
        Ok(no_content())
    };
    form.at_leader(service, service.removal_limits(), local)
        .await
}

pub(super) async fn truncate(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let form = Form::read(&state, request).await?;
    let service = &state.service;
    let delay = go_duration::parse(form.params.get("delay").unwrap_or_default())
        .map_err(|error| ErrorResponse::bad(error.to_string()))?;
    let deadline = answer_deadline::at_most(service.deadline(), &form.parts);
    let local = || async {
        service.truncate_shards(delay, deadline).await?;
        Ok(no_content())
    };
    let limits = Limits::from(deadline);
    form.at_leader(service, limits, local).await
}

fn parameter<'a>(form: &'a Form, name: &str) -> Result<&'a str, ErrorResponse> {
    form.params
        .get(name)
        .ok_or_else(|| ErrorResponse::bad(format!("'{name}' is a required parameter")))
}

fn shard(form: &Form) -> Result<ShardId, ErrorResponse> {
    let text = form.params.get("shard").unwrap_or_default();
    match text.parse() {
        Ok(0) => Err(ErrorResponse::bad(
            "invalid parameter value for 'shard': shard id must be greater than 0",
        )),
        Ok(id) => Ok(ShardId(id)),
        Err(_) => Err(ErrorResponse::bad(format!(
            "error converting shard to int: {text:?} is no shard id"
        ))),
    }
}
