//! Conversion of requests and answers to and from hyper's types.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HeaderName, HeaderValue};

use super::{CallError, Request, Response, Unsupported};
use crate::base::Address;

/// Maximum size of an answer: far above any catalog, far below a machine's memory.
pub(super) const MAX_BODY_BYTES: usize = 256 << 20;

pub(super) fn to_hyper(
    host: &Address,
    request: &Request,
) -> Result<hyper::Request<Full<Bytes>>, CallError> {
    let unfit = |error: &dyn std::fmt::Display| Unsupported::Request {
        error: error.to_string(),
    };
    let mut built = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(request.path_and_query.as_str())
        .body(Full::new(request.body.clone()))
        .map_err(|error| unfit(&error))?;
    let headers = built.headers_mut();
    for (name, value) in request
        .headers
        .iter()
        .filter(|(name, _)| !is_connection_header(name))
    {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unfit(&error))?;
        headers.append(
            name,
            HeaderValue::from_maybe_shared(value.clone()).map_err(|error| unfit(&error))?,
        );
    }
    let host = HeaderValue::from_str(&host.to_string()).map_err(|error| unfit(&error))?;
    headers.insert(hyper::header::HOST, host);
    headers
        .entry(hyper::header::USER_AGENT)
        .or_insert(HeaderValue::from_static("influxdb-meta"));
    Ok(built)
}

pub(super) async fn from_hyper(
    answer: hyper::Response<hyper::body::Incoming>,
    max_body: usize,
) -> Result<Response, ExchangeError> {
    let (head, body) = answer.into_parts();
    let body = match Limited::new(body, max_body).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            return Err(error
                .downcast::<hyper::Error>()
                .map_or(ExchangeError::TooLarge(max_body), |error| {
                    ExchangeError::Http(*error)
                }));
        }
    };
    let plain = |(name, value): (&HeaderName, &HeaderValue)| {
        (
            name.as_str().to_owned(),
            Bytes::copy_from_slice(value.as_bytes()),
        )
    };
    let headers = head
        .headers
        .iter()
        .map(plain)
        .filter(|(name, _)| !is_connection_header(name))
        .collect();
    Ok(Response {
        status: head.status.as_u16(),
        headers,
        body,
    })
}

/// Headers that belong to one connection or are made anew for each (RFC 9110, 7.6.1).
fn is_connection_header(name: &str) -> bool {
    const CONNECTION_HEADERS: [&str; 10] = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    ];
    CONNECTION_HEADERS
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

/// An exchange that ended without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("{}", innermost(.0))]
    Http(#[from] hyper::Error),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// Text of the cause. hyper's own text names its internal states; operators know the cause below
/// it.
fn innermost(error: &hyper::Error) -> String {
    let cause =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    match cause {
        Some(io) => io.to_string(),
        None if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            "connection closed before the answer".to_owned()
        }
        None => error.to_string(),
    }
}
