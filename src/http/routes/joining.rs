//! `/join`, `/leave`, `/remove`: manual changes of the meta nodes (wire.md 6.2, founding.md 8).

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use tokio::time::Instant;

use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;
use crate::http::answer_deadline;
use crate::http::error::ErrorResponse;
use crate::http::form::Form;
use crate::http::leader::{at_leader, caller_ip, is_forwarded};
use crate::http::params::Params;
use crate::http::reply::{no_content, ok_json};
use crate::http::state::AppState;
use crate::service::Service;

/// Adds the meta node at `addr`, and returns its entry in the catalog.
pub(super) async fn join(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let Form {
        mut parts,
        mut body,
        params,
    } = Form::read(&state, request).await?;
    let service = &state.service;
    let asked = address(&params, "addr")?.ok_or_else(|| ErrorResponse::bad("addr is required"))?;
    let addr = service.resolve_localhost(asked.clone());
    if addr != asked {
        // Only this node knows which node the caller means: the leader is given its address.
        (parts, body) = with_uri(parts, &format!("/join?addr={addr}"))?;
    }
    let deadline = joining_deadline(service, &parts);
    let local = || async { Ok(ok_json(&service.join(&addr, deadline).await?)) };
    at_leader(service, &parts, &body, deadline, local).await
}

/// Takes this node out of its cluster.
pub(super) async fn leave(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let Form { parts, params, .. } = Form::read(&state, request).await?;
    let service = &state.service;
    let asked = service.own_address();
    let asked = asked.map_or_else(String::new, |own| format!(" at {own}"));
    let by = ordered_by(&parts, &params, &format!("POST /leave{asked}"));
    service
        .leave(&by, joining_deadline(service, &parts))
        .await?;
    Ok(no_content())
}

/// Removes the meta node at `httpAddr`; with `force`, alternatively the one at `tcpAddr`.
pub(super) async fn remove(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let Form {
        mut parts,
        mut body,
        params,
    } = Form::read(&state, request).await?;
    let force = params.get("force") == Some("true");
    let target = match address(&params, "httpAddr")? {
        Some(http) => Some(Target::Http(http)),
        None if force => address(&params, "tcpAddr")?.map(Target::Raft),
        None => None,
    };
    let mut target = target.ok_or_else(|| ErrorResponse::bad("httpAddr is required"))?;
    let service = &state.service;
    let forwarded = is_forwarded(&parts);
    let deadline = joining_deadline(service, &parts);
    let by = ordered_by(&parts, &params, "POST /remove");
    // The same as for `join`. In a request that a node of an older version forwarded, `localhost`
    // is not replaced: it is not the leader that is meant.
    if let Target::Http(http) = &mut target
        && !forwarded
    {
        let named = service.resolve_localhost(http.clone());
        if named != *http {
            (parts, body) = with_uri(parts, &format!("/remove?httpAddr={named}&force={force}"))?;
            *http = named;
        }
    }
    let local = || async {
        let http = match &target {
            Target::Http(http) => http.clone(),
            Target::Raft(raft) => service.meta_node_by_raft_address(raft)?,
        };
        service.remove(&http, force, &by, deadline).await?;
        Ok(no_content())
    };
    at_leader(service, &parts, &body, deadline, local).await
}

/// Names who ordered a removal and how, for the tombstone: `remove-meta at meta-1 by 10.0.0.7`. Our
/// `influxd-ctl` says the command, and the host where it was typed. Without them, `request` is named.
fn ordered_by(parts: &Parts, params: &Params, request: &str) -> String {
    let word = |name: &str, extra: &[u8]| {
        let is_word = |text: &&str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || extra.contains(&byte);
            text.len() <= MAX_ORDER_BYTES && text.bytes().all(is_allowed)
        };
        params.get(name).filter(is_word)
    };
    let ip = caller_ip(parts);
    match (word("command", b"- "), word("host", b"-_.")) {
        (Some(command), Some(host)) => format!("{command} at {host} by {ip}"),
        (Some(command), None) => format!("{command} by {ip}"),
        (None, _) => format!("{request} by {ip}"),
    }
}

/// Maximum length of each word that a caller adds to a tombstone.
const MAX_ORDER_BYTES: usize = 64;

fn joining_deadline(service: &Service, parts: &Parts) -> Instant {
    answer_deadline::at_most(service.joining_deadline(is_forwarded(parts)), parts)
}

/// The two addresses by which a caller may name a meta node.
enum Target {
    Http(Address),
    Raft(Address),
}

fn address(params: &Params, name: &str) -> Result<Option<Address>, ErrorResponse> {
    let parse = |text: &str| {
        Address::parse(text, META_HTTP_PORT)
            .map_err(|error| ErrorResponse::bad(format!("{name}: {error}")))
    };
    params.get(name).map(parse).transpose()
}

/// Returns the same request with another path and query, to be forwarded.
fn with_uri(mut parts: Parts, asked: &str) -> Result<(Parts, Bytes), ErrorResponse> {
    parts.headers.remove(hyper::header::CONTENT_TYPE);
    let uri = hyper::Uri::try_from(asked)
        .map_err(|error| ErrorResponse::bad(format!("{asked}: {error}")))?;
    parts.uri = uri;
    Ok((parts, Bytes::new()))
}
