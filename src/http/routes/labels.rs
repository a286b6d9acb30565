//! `POST /node-labels`: changes the labels of a node.

use axum::extract::Request;
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::NodeId;
use crate::http::answer_deadline;
use crate::http::body::{self, MAX_LABELS_BYTES};
use crate::http::error::ErrorResponse;
use crate::http::leader::at_leader;
use crate::http::reply::no_content;
use crate::http::state::AppState;
use crate::service::Labels;

pub(super) async fn change(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, body) = body::read_whole(request, MAX_LABELS_BYTES, &state).await?;
    let (node_id, labels) = parse(&body)?;
    let service = &state.service;
    let deadline = answer_deadline::at_most(service.deadline(), &parts);
    let local = || async {
        service
            .set_labels(node_id, labels.clone(), deadline)
            .await?;
        Ok(no_content())
    };
    at_leader(service, &parts, &body, deadline, local).await
}

/// Parses the body as JSON, whatever its content type: curl sends JSON as a form
/// (clients.md trap 17).
fn parse(body: &[u8]) -> Result<(NodeId, Labels), ErrorResponse> {
    let fields: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| ErrorResponse::bad(format!("the body is no JSON object: {error}")))?;
    let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let node_id = field("nodeid").ok_or_else(|| ErrorResponse::bad("nodeid is required"))?;
    let node_id = node_id
        .as_u64()
        .ok_or_else(|| ErrorResponse::bad("nodeid must be the number of a node"))?;
    if field("set").is_none() && field("delete").is_none() {
        return Err(ErrorResponse::bad("set or delete is required"));
    }
    let set = read(
        field("set"),
        "set must be a JSON object of texts, such as {\"az\":\"east\"}",
    )?;
    let delete = read(
        field("delete"),
        "delete must be a JSON array of texts, such as [\"az\"]",
    )?;
    Ok((NodeId(node_id), Labels { set, delete }))
}

fn read<T: DeserializeOwned + Default>(
    value: Option<&Value>,
    wanted: &str,
) -> Result<T, ErrorResponse> {
    let Some(value) = value else {
        return Ok(T::default());
    };
    T::deserialize(value).map_err(|error| ErrorResponse::bad(format!("{wanted}: {error}")))
}
