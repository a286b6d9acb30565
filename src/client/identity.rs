//! Exchange of identities with exactly one socket address (founding.md 3).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::time::Instant;

use super::answer::JSON;
use super::dial::dial_at;
use super::{CallError, Headers, OtherService, Request, Response};
use crate::base::Address;
use crate::runtime::Net;
use crate::wire::api::ErrorBody;
use crate::wire::headers::CHALLENGE;

/// Deadline of one poll (founding.md 3.1).
const POLL_TIMEOUT: Duration = Duration::from_secs(2);

const PATH: &str = "/cluster/identity";

/// Maximum size of an answer. An identity is a few kilobytes, and hints may lead to any server.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// Posts our identity (`body`) to the node at `at`, on a connection of its own. `host` is the name
/// that gave the address. The caller signs the request and checks the answer; `extra` has its
/// headers.
///
/// # Errors
/// [`CallError`] within 2 s: no usable answer, with the reason.
pub async fn identity(
    net: &dyn Net,
    at: SocketAddr,
    host: &Address,
    extra: Headers,
    body: Bytes,
) -> Result<Response, CallError> {
    let deadline = Instant::now() + POLL_TIMEOUT;
    let mut request = Request::post(PATH, JSON, body);
    request.headers.extend(extra);
    let response = dial_at(net, at, deadline)
        .await?
        .with_max_body(MAX_ANSWER_BYTES)
        .exchange(host, &request, deadline)
        .await?;
    let refusal = response.json::<ErrorBody>().ok().map(|body| body.error);
    match (response.status, refusal) {
        // Some services, such as port 8088 of a data node, answer 200 to any path.
        (200, _) if response.body.starts_with(b"{") => Ok(response),
        // The caller may prove again, with the challenge in this answer.
        (401, _) if response.header(CHALLENGE).is_some() => Ok(response),
        (401, Some(text)) if text.starts_with("wrong secret") => Err(CallError::WrongSecret),
        // A meta node of this program with another version: it cannot read our identity.
        (400, Some(text)) => Err(CallError::NotOurs(OtherService::OtherVersion { text })),
        // A meta node of this program that is starting or stopping.
        (408 | 500.., Some(_)) => Err(response.error()),
        (status, _) => Err(identify_other_service(net, at, host, status, deadline).await),
    }
}

/// Finds out what answers there, by `/status`: it has no route for identities.
async fn identify_other_service(
    net: &dyn Net,
    at: SocketAddr,
    host: &Address,
    status: u16,
    deadline: Instant,
) -> CallError {
    let asked = match dial_at(net, at, deadline).await {
        Ok(connection) => {
            connection
                .with_max_body(MAX_ANSWER_BYTES)
                .exchange(host, &Request::get("/status"), deadline)
                .await
        }
        Err(error) => Err(error),
    };
    let answered = asked
        .and_then(Response::success)
        .and_then(|response| response.json::<NodeStatus>());
    match answered.as_ref().map(|answer| answer.node_type.as_str()) {
        Ok("meta") => CallError::OtherMetaNode,
        Ok("data") => CallError::NotOurs(OtherService::DataNode),
        _ => CallError::NotOurs(OtherService::Status { status, path: PATH }),
    }
}

/// Part of the answer of every node of the original at `/status`.
#[derive(Deserialize)]
struct NodeStatus {
    #[serde(rename = "nodeType")]
    node_type: String,
}
