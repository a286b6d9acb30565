//! `GET /lease`: a data node asks for a work lease (wire.md 9).

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use hyper::StatusCode;

use crate::base::{Name, NodeId};
use crate::http::answer_deadline;
use crate::http::error::{ErrorResponse, json};
use crate::http::leader::at_leader_or_redirect;
use crate::http::params::Params;
use crate::http::state::AppState;
use crate::service::{Acquired, Limits, Retry};
use crate::wire::go_json;

/// Grants a lease. The parameter with the node id is `nodeid`, or `node_id` in later products
/// (clients.md trap 16).
pub(super) async fn acquire(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, _) = request.into_parts();
    let params = Params::from_query(&parts.uri);
    let name = params
        .get("name")
        .ok_or_else(|| ErrorResponse::bad("lease name required"))?;
    let node = params.get("nodeid").or_else(|| params.get("node_id"));
    let node = node.ok_or_else(|| ErrorResponse::bad("node ID required"))?;
    let node = node
        .parse()
        .map(NodeId)
        .map_err(|_| ErrorResponse::bad("invalid node ID"))?;
    if name.len() > MAX_NAME_BYTES {
        return Err(ErrorResponse::bad(format!(
            "the name of a lease has at most {MAX_NAME_BYTES} bytes"
        )));
    }
    let (service, name) = (&state.service, Name::from(name));
    let deadline = answer_deadline::at_most(service.deadline(), &parts);
    let local = || async { Ok(reply(service.acquire_lease(&name, node, deadline).await?)) };
    let limits = Limits {
        retry: Retry::Idempotent,
        ..deadline.into()
    };
    at_leader_or_redirect(service, &parts, &Bytes::new(), limits, local).await
}

/// Maximum length of a lease's name, which is stored for ever. The only name in use has 18 bytes.
const MAX_NAME_BYTES: usize = 255;

/// Returns the body of the original, without its end of line.
fn reply(acquired: Acquired) -> Response {
    match acquired {
        Acquired::Granted(lease) => json(StatusCode::OK, go_json::to_string(&lease)),
        Acquired::Held(lease) => json(StatusCode::CONFLICT, go_json::to_string(&lease)),
    }
}
