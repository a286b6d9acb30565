//! Requests that only the leader answers, as HTTP: what is forwarded, and how the answer comes
//! back.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};

use super::answer_deadline;
use super::authenticate::has_password;
use super::error::ErrorResponse;
use super::reply::redirect;
use super::request_context::{RequestContext, peer_ip};
use crate::service::{
    Error, ForwardedRequest, ForwardedResponse, LeaderRequest, Limits, Reply, Service,
};
use crate::wire::headers;

/// Headers of a caller's request that the leader must see: credentials, and the formats of the two
/// bodies.
const FORWARDED_REQUEST_HEADERS: [&str; 5] = [
    "authorization",
    "content-type",
    "accept-encoding",
    "user-agent",
    headers::PROOF,
];
/// Headers of the leader's answer that the caller must see. This node makes the others itself.
const FORWARDED_RESPONSE_HEADERS: [&str; 7] = [
    "content-type",
    "content-encoding",
    "www-authenticate",
    headers::ERROR,
    headers::OUTCOME,
    headers::PROOF,
    headers::CHALLENGE,
];

/// Way of a caller's request to the leader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    RedirectIfPossible,
    AlwaysForward,
}

/// Answers here if this node leads; otherwise forwards the request to the leader. For scripts and
/// operators: curl without `-L` takes a redirect for success (clients.md A10).
///
/// # Errors
/// Errors of `local`, and of the leader.
pub(super) async fn at_leader<Fut>(
    service: &Service,
    parts: &Parts,
    body: &Bytes,
    limits: impl Into<Limits>,
    local: impl Fn() -> Fut,
) -> Result<Response, ErrorResponse>
where
    Fut: Future<Output = Result<Response, Error>>,
{
    answer(
        service,
        parts,
        body,
        limits.into(),
        Route::AlwaysForward,
        local,
    )
    .await
}

/// The same for data nodes, which follow redirects and go on with the leader: the caller is
/// redirected if it used an advertised name and has no password in its URL.
///
/// # Errors
/// Errors of `local`, and of the leader.
pub(super) async fn at_leader_or_redirect<Fut>(
    service: &Service,
    parts: &Parts,
    body: &Bytes,
    limits: impl Into<Limits>,
    local: impl Fn() -> Fut,
) -> Result<Response, ErrorResponse>
where
    Fut: Future<Output = Result<Response, Error>>,
{
    answer(
        service,
        parts,
        body,
        limits.into(),
        Route::RedirectIfPossible,
        local,
    )
    .await
}

async fn answer<Fut>(
    service: &Service,
    parts: &Parts,
    body: &Bytes,
    limits: Limits,
    route: Route,
    local: impl Fn() -> Fut,
) -> Result<Response, ErrorResponse>
where
    Fut: Future<Output = Result<Response, Error>>,
{
    match service
        .at_leader(
            limits.until(answer_deadline::at_most(limits.answer, parts)),
            || leader_request(parts, body.clone(), route),
            local,
        )
        .await?
    {
        Reply::Local(response) => Ok(response),
        Reply::Redirect(leader) => Ok(redirect(&format!(
            "{}://{leader}{}",
            service.scheme(),
            path_and_query(parts)
        ))),
        Reply::Forwarded(answer) => forwarded_response(answer),
    }
}

/// Returns the IP address of the caller. For a forwarded request that is where it first came from.
pub(super) fn caller_ip(parts: &Parts) -> IpAddr {
    let named = parts
        .headers
        .get(headers::CALLER)
        .filter(|_| is_forwarded(parts));
    named
        .and_then(|ip| ip.to_str().ok()?.parse().ok())
        .filter(|ip| is_forwarder_believed(parts, *ip))
        .unwrap_or_else(|| peer_ip(&parts.extensions))
}

/// Whether the forwarding node proved the secret for this caller and this request. Without a secret
/// here nothing can be checked, and everything is believed.
fn is_forwarder_believed(parts: &Parts, caller: IpAddr) -> bool {
    let Some(context) = parts.extensions.get::<RequestContext>() else {
        return false;
    };
    let Some(peers) = &context.peers else {
        return true;
    };
    let (caller, id) = (caller.to_string(), context.id.as_bytes());
    let fields = forwarder_fields(parts, &caller, id);
    let header = parts.headers.get(headers::FORWARDER);
    let macs = header.and_then(|header| header.to_str().ok());
    macs.into_iter()
        .flat_map(|macs| macs.split(' ').take(MAX_FORWARDER_MACS))
        .filter_map(|mac| hex::decode(mac).ok())
        .any(|mac| {
            peers
                .keys()
                .all()
                .any(|key| key.verify(&fields, &mac).is_ok())
        })
}

/// Maximum number of MACs of a forwarding node: one for each key, of which it has two while the
/// secret is changed.
const MAX_FORWARDER_MACS: usize = 2;

/// Value of [`headers::FORWARDER`] for a request that this node forwards; `None` without a secret.
fn prove_forwarder(parts: &Parts, context: &RequestContext, caller: &str) -> Option<String> {
    let peers = context.peers.as_ref()?;
    let fields = forwarder_fields(parts, caller, context.id.as_bytes());
    let macs = peers.keys().all().map(|key| hex::encode(key.mac(&fields)));
    Some(macs.collect::<Vec<_>>().join(" "))
}

/// Fields of a forwarding node's proof. The id of the request binds it to this one.
fn forwarder_fields<'a>(parts: &'a Parts, caller: &'a str, id: &'a [u8]) -> [&'a [u8]; 5] {
    let method = parts.method.as_str().as_bytes();
    let path = path_and_query(parts).as_bytes();
    [b"forwarder", caller.as_bytes(), method, path, id]
}

pub(super) fn is_forwarded(parts: &Parts) -> bool {
    parts.headers.contains_key(headers::FORWARDED)
}

fn leader_request(parts: &Parts, body: Bytes, route: Route) -> LeaderRequest {
    let host = parts
        .headers
        .get("host")
        .and_then(|value| value.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    let mut forwarded = select(&parts.headers, &FORWARDED_REQUEST_HEADERS);
    forwarded.push((headers::FORWARDED.to_owned(), Bytes::from_static(b"1")));
    let caller = caller_ip(parts).to_string();
    forwarded.push((headers::CALLER.to_owned(), caller.clone().into()));
    if let Some(context) = parts.extensions.get::<RequestContext>() {
        let proof = prove_forwarder(parts, context, &caller);
        forwarded.extend(proof.map(|proof| (headers::FORWARDER.to_owned(), proof.into())));
        forwarded.push((
            headers::X_REQUEST_ID.to_owned(),
            Bytes::copy_from_slice(context.id.as_bytes()),
        ));
    }
    LeaderRequest {
        host: host
            .filter(|_| route == Route::RedirectIfPossible && !has_password(&parts.uri))
            .map(str::to_owned),
        is_forwarded: is_forwarded(parts),
        request: ForwardedRequest {
            method: parts.method.to_string(),
            path_and_query: path_and_query(parts).to_owned(),
            headers: forwarded,
            body,
        },
    }
}

fn path_and_query(parts: &Parts) -> &str {
    parts
        .uri
        .path_and_query()
        .map_or("/", |whole| whole.as_str())
}

fn select(headers: &HeaderMap, names: &[&str]) -> Vec<(String, Bytes)> {
    let one = |name: &&str| {
        Some((
            (*name).to_owned(),
            Bytes::copy_from_slice(headers.get(*name)?.as_bytes()),
        ))
    };
    names.iter().filter_map(one).collect()
}

fn forwarded_response(answer: ForwardedResponse) -> Result<Response, ErrorResponse> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        if FORWARDED_RESPONSE_HEADERS
            .iter()
            .any(|kept| name.eq_ignore_ascii_case(kept))
        {
            response = response.header(name, value.as_ref());
        }
    }
    let broken = |error| {
        ErrorResponse::new(
            StatusCode::BAD_GATEWAY,
            format!("the leader's answer is no HTTP: {error}"),
        )
    };
    response.body(Body::from(answer.body)).map_err(broken)
}
