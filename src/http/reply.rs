//! Shapes of successful answers.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use serde::Serialize;

use super::chunked_body::ChunkedBody;
use super::error::json;
use crate::service::ShardListReader;
use crate::wire::go_json;

/// Returns 200 with JSON as Go's encoder writes it: one line with its end.
pub(super) fn ok_json<T: Serialize>(value: &T) -> Response {
    json(StatusCode::OK, go_json::to_string(value) + "\n")
}

/// Returns 200 with JSON that is made while it is sent. A body of one page has its length.
pub(super) async fn ok_pages(mut pages: ShardListReader) -> Response {
    let first = pages.next_page().await.unwrap_or_default();
    let body = if pages.is_at_end() {
        Body::from(first)
    } else {
        let first = stream::once(async { Ok(first) });
        let rest = stream::unfold(pages, |mut pages| async {
            let page = pages.next_page().await?;
            Some((Ok::<_, Infallible>(page), pages))
        });
        Body::from_stream(first.chain(rest))
    };
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn ok_bytes(content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Returns 200 with a body of several pieces.
pub(super) fn ok_chunks(content_type: &'static str, parts: Vec<Bytes>) -> Response {
    let mut response = Response::new(Body::new(ChunkedBody::new(parts)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) const OCTET_STREAM: &str = "application/octet-stream";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// Returns 200 with a text. An empty one has no content type, as Go detects none in it.
pub(super) fn ok_text(text: String) -> Response {
    if text.is_empty() {
        Response::new(Body::empty())
    } else {
        ok_bytes(TEXT, text)
    }
}

/// Returns 200 with an empty text. Chronograf takes no other status for success, and does not read
/// the body (clients.md trap 1 and 2).
pub(super) fn empty_text() -> Response {
    ok_bytes(TEXT, Bytes::new())
}

pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Returns 307 with an absolute location, the query included. Old clients take the location
/// verbatim as their next URL; without the query Kapacitor's filter would be lost
/// (clients.md trap 18).
pub(super) fn redirect(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
