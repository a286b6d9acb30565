//! `GET /?index=N`: the long poll of data nodes (wire.md 5). `GET /` is the status page for a
//! browser.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use hyper::{StatusCode, Uri};
use tokio::time::Instant;

use crate::http::error::ErrorResponse;
use crate::http::leader::at_leader_or_redirect;
use crate::http::params::Params;
use crate::http::reply::{OCTET_STREAM, ok_chunks};
use crate::http::request_context::RequestContext;
use crate::http::state::AppState;
use crate::http::status_page;
use crate::service::{NotLeader, PollBody, Polled};

pub(super) async fn watch(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    let (parts, _) = request.into_parts();
    if parts.uri.query().is_none() && status_page::is_wanted(&parts.headers) {
        return Ok(status_page::page());
    }
    let n = index(&parts.uri).ok_or_else(|| ErrorResponse::bad("error parsing index"))?;
    let service = &state.service;
    loop {
        let polled = match parts.extensions.get::<RequestContext>() {
            Some(context) => tokio::select! {
                biased;
                polled = service.poll(n) => polled?,
                () = context.connection.hung_up() => return Err(hung_up()),
            },
            None => service.poll(n).await?,
        };
        match polled {
            Polled::Body(body) => {
                return Ok(reply(&body, &parts.headers).await);
            }
            Polled::AskLeader => {
                let deadline = Instant::now() + LEADER_TIMEOUT;
                let not_here = || async { Err(NotLeader::default().into()) };
                // Without a leader, or without an answer, nothing is lost: the poll continues here.
                if let Ok(response) =
                    at_leader_or_redirect(service, &parts, &Bytes::new(), deadline, not_here).await
                {
                    return Ok(response);
                }
            }
        }
    }
}

/// Parses the index. Digits only, as in Go: Rust would accept a plus sign.
fn index(uri: &Uri) -> Option<u64> {
    let params = Params::from_query(uri);
    let digits = params
        .get("index")
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// Timeout for the leader's answer. It answers at once a poll that it can judge, and lets others
/// wait: those continue here.
const LEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer to a connection that is closed. Its status, which other servers use as well, keeps it
/// apart from errors in the metrics.
fn hung_up() -> ErrorResponse {
    let status = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
    ErrorResponse::new(status, "the caller hung up")
}

/// Minimum length in bytes of a body that is compressed: smaller ones do not shrink.
const MIN_GZIP_BYTES: usize = 512;

async fn reply(body: &PollBody, headers: &HeaderMap) -> Response {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("gzip"));
    if body.len() < MIN_GZIP_BYTES || !headers.get(ACCEPT_ENCODING).is_some_and(accepts) {
        return ok_chunks(OCTET_STREAM, body.plain());
    }
    let mut response = ok_chunks(OCTET_STREAM, body.gzip().await);
    response
        .headers_mut()
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}
