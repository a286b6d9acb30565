//! Table from error to status, the only one, and the body of every answer from 400 on.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::auth::{Denied, NotHashed};
use crate::service::{Error, Refusal};
use crate::wire::api::ErrorBody;
use crate::wire::go_json;
use crate::wire::headers;

/// An answer from 400 on.
#[derive(Debug)]
pub(super) struct ErrorResponse {
    status: StatusCode,
    text: String,
    retry_after: Option<u32>,
    execution: Execution,
}

/// Time after which a caller may ask again what this node had no room for.
const RETRY_AFTER_SECONDS: u32 = 5;

/// What an error says of the execution of its request. Also a mark in an answer's extensions, for
/// `dispatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Execution {
    /// Certainly not executed: the meta node that forwarded the request here may retry.
    No,
    /// Maybe executed, maybe not, maybe later.
    Maybe,
    /// The status and the text say it.
    Unstated,
}

impl ErrorResponse {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            retry_after: None,
            execution: Execution::Unstated,
        }
    }

    /// Returns 503 for what this node has no room for now. Nothing was executed.
    pub(super) fn busy(text: impl Into<String>) -> Self {
        Self {
            retry_after: Some(RETRY_AFTER_SECONDS),
            execution: Execution::No,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }

    /// Whether this node cannot answer now.
    pub(super) fn is_unavailable(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }
}

impl From<Error> for ErrorResponse {
    fn from(error: Error) -> Self {
        let (status, execution) = match &error {
            Error::NotMember(_)
            | Error::NotLeader(_)
            | Error::NoLeader { .. }
            | Error::ClockAhead { .. }
            | Error::Halted { .. }
            | Error::PollHalted { .. }
            | Error::Stopping => (StatusCode::SERVICE_UNAVAILABLE, Execution::No),
            Error::Misdirected => (StatusCode::MISDIRECTED_REQUEST, Execution::No),
            Error::Unknown(_) => (StatusCode::SERVICE_UNAVAILABLE, Execution::Maybe),
            // Not executed either, but a retry would only hide the fault from the caller.
            Error::DiskFull
            | Error::DiskSlow
            | Error::Busy
            | Error::Password(NotHashed::Busy)
            | Error::TooManyLists => (StatusCode::SERVICE_UNAVAILABLE, Execution::Unstated),
            // No status that clients retry: only a person makes room.
            Error::OverQuota(_) => (StatusCode::INSUFFICIENT_STORAGE, Execution::Unstated),
            Error::TooLarge { .. } | Error::OverBudget(_) | Error::NoMemory { .. } => {
                (StatusCode::PAYLOAD_TOO_LARGE, Execution::Unstated)
            }
            Error::Bad(_) | Error::Password(NotHashed::TooLong) => {
                (StatusCode::BAD_REQUEST, Execution::Unstated)
            }
            Error::Conflict(_) => (StatusCode::CONFLICT, Execution::Unstated),
            Error::DataNode(_) | Error::NotAllUp => {
                (StatusCode::INTERNAL_SERVER_ERROR, Execution::Unstated)
            }
            Error::NodeNotFound | Error::UnknownName(_) => {
                (StatusCode::NOT_FOUND, Execution::Unstated)
            }
            // The leader's refusal of a join is an answer, also where it means "not yet".
            Error::Refused(refusal) if refusal.may_still_happen() => {
                (refusal_status(refusal), Execution::Maybe)
            }
            Error::Refused(refusal) => (refusal_status(refusal), Execution::Unstated),
        };
        Self {
            execution,
            ..Self::new(status, error.to_string())
        }
    }
}

impl From<Denied> for ErrorResponse {
    fn from(denied: Denied) -> Self {
        let status = match &denied {
            Denied::NoAdmin => StatusCode::BAD_REQUEST,
            Denied::NoCredentials
            | Denied::NoUserName
            | Denied::WrongPassword
            | Denied::NoPasswords
            | Denied::Unreadable(_)
            | Denied::NoUserInToken
            | Denied::NoTokens
            | Denied::Invalid(_)
            | Denied::UserNotFound => StatusCode::UNAUTHORIZED,
            Denied::NotAdmin(_) => StatusCode::FORBIDDEN,
            Denied::NoUsers(_) | Denied::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, denied.to_string())
    }
}

/// The table of refusals is in `cluster`, because other meta nodes read these statuses too.
fn refusal_status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let body = go_json::to_string(&ErrorBody {
            error: self.text.clone(),
        });
        let mut response = json(self.status, body);
        set_error_header(&mut response, &self.text);
        if let Some(seconds) = self.retry_after {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(self.execution);
        response
    }
}

pub(super) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Sets `X-Influxdb-Error`, or on 401 `WWW-Authenticate` instead of it (wire.md 4.2).
pub(super) fn set_error_header(response: &mut Response, text: &str) {
    if response.status() == StatusCode::UNAUTHORIZED {
        let realm = HeaderValue::from_static("Basic realm=\"InfluxDB\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, realm);
    } else if let Ok(value) = HeaderValue::from_bytes(&one_line(text)) {
        response.headers_mut().insert(headers::ERROR, value);
    }
}

/// Returns at most 1024 bytes, with control characters replaced by spaces.
fn one_line(text: &str) -> Vec<u8> {
    text.bytes()
        .take(1024)
        .map(|byte| {
            if byte < b' ' || byte == 127 {
                b' '
            } else {
                byte
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_error_has_the_body_and_the_header_of_the_wire() {
        let response = ErrorResponse::bad(format!("a<b\nc{}", "x".repeat(2000))).into_response();
        let header = response.headers()["x-influxdb-error"].as_bytes();
        assert_eq!(header.len(), 1024);
        assert!(header.starts_with(b"a<b cx"));
        let body = response
            .into_body()
            .collect()
            .await
            .expect("body")
            .to_bytes();
        assert!(body.starts_with(br#"{"error":"a\u003cb\ncx"#));
        assert!(body.ends_with(br#"x"}"#));
    }

    #[test]
    fn an_unauthorized_answer_names_the_realm_instead() {
        let response = ErrorResponse::new(StatusCode::UNAUTHORIZED, "wrong secret").into_response();
        assert_eq!(
            response.headers()[WWW_AUTHENTICATE],
            "Basic realm=\"InfluxDB\""
        );
        assert!(!response.headers().contains_key("x-influxdb-error"));
    }
}
