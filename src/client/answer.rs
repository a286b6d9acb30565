//! A request and its answer as plain values, and the errors that an answer stands for.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CallError, Unreadable, Unsupported};
use crate::wire::api::ErrorBody;
use crate::wire::headers;

/// Names of headers, and values as they are on the wire: values need not be UTF-8.
pub type Headers = Vec<(String, Bytes)>;

/// A request. The client adds Host, the content length and the headers of one connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// `/show-cluster`, `/?index=7`.
    pub path_and_query: String,
    pub headers: Headers,
    pub body: Bytes,
}

impl Request {
    pub fn get(path_and_query: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            path_and_query: path_and_query.to_owned(),
            headers: vec![("accept".to_owned(), JSON.into())],
            body: Bytes::new(),
        }
    }

    pub fn post(path_and_query: &str, content_type: &str, body: Bytes) -> Self {
        let header =
            |name: &str, value: &str| (name.to_owned(), Bytes::copy_from_slice(value.as_bytes()));
        Self {
            method: "POST".to_owned(),
            path_and_query: path_and_query.to_owned(),
            headers: vec![header("accept", JSON), header("content-type", content_type)],
            body,
        }
    }

    /// A request with an `application/x-www-form-urlencoded` body, as the meta API takes
    /// parameters.
    pub fn form(path: &str, fields: &[(&str, &str)]) -> Self {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(fields).finish();
        Self::post(path, "application/x-www-form-urlencoded", body.into())
    }

    /// A request with a JSON body.
    ///
    /// # Errors
    /// The value has no JSON.
    pub fn post_json(path_and_query: &str, body: &impl Serialize) -> Result<Self, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| {
            let error = error.to_string();
            Unsupported::Json { error }
        })?;
        Ok(Self::post(path_and_query, JSON, body.into()))
    }

    /// Whether the request may be sent twice without harm.
    pub(super) fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// Shows nothing that may be secret: no query, no values of headers, no body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        write!(
            f,
            "{} {path} {names:?} {} bytes",
            self.method,
            self.body.len()
        )
    }
}

pub(super) const JSON: &str = "application/json";

/// A complete answer of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Headers with names in lower case, without those that belong to the connection.
    pub headers: Headers,
    pub body: Bytes,
}

impl Response {
    /// The header's first value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer itself if its status is 2xx, else the error in it.
    ///
    /// # Errors
    /// [`CallError::Status`] or [`CallError::OutcomeUnknown`] with the server's text.
    pub fn success(self) -> Result<Self, CallError> {
        if self.is_success() {
            Ok(self)
        } else {
            Err(self.error())
        }
    }

    pub(super) fn error(&self) -> CallError {
        let error = self.error_text();
        if self.header(headers::OUTCOME) == Some(headers::UNKNOWN) {
            return CallError::OutcomeUnknown { error };
        }
        CallError::Status {
            status: self.status,
            error,
        }
    }

    /// The body as JSON, whatever the status.
    ///
    /// # Errors
    /// [`CallError::Junk`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let error = error.to_string();
            Unreadable::Json { error }.into()
        })
    }

    /// Text of `{"error": "…"}`, as our API answers. For other servers: the status and the
    /// beginning of their text.
    fn error_text(&self) -> String {
        if let Ok(ErrorBody { error }) = serde_json::from_slice(&self.body)
            && !error.is_empty()
        {
            return error;
        }
        let text = String::from_utf8_lossy(&self.body);
        let first = text.trim().lines().next().unwrap_or_default();
        let shown: String = first
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_FOREIGN_TEXT_CHARS)
            .collect();
        let status = self.status;
        if shown.is_empty() {
            format!("HTTP {status}")
        } else {
            format!("HTTP {status}: {shown}")
        }
    }
}

/// Maximum length of another server's text: enough to recognise its page.
const MAX_FOREIGN_TEXT_CHARS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Response {
        Response {
            status,
            headers: Vec::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn an_error_is_the_servers_own_text_or_the_beginning_of_a_strangers() {
        let cases = [
            (answer(503, r#"{"error":"no leader"}"#), "no leader"),
            (
                answer(404, "404 page not found\n"),
                "HTTP 404: 404 page not found",
            ),
            (answer(400, "\n"), "HTTP 400"),
            (answer(500, r#"{"error":""}"#), r#"HTTP 500: {"error":""}"#),
        ];
        for (answer, want) in cases {
            let status = answer.status;
            assert_eq!(
                answer.success(),
                Err(CallError::Status {
                    status,
                    error: want.to_owned()
                })
            );
        }
    }

    #[test]
    fn what_may_be_secret_is_not_printed() {
        let mut request = Request::form("/join?u=bob&p=s3cret", &[("addr", "s3cret")]);
        request
            .headers
            .push(("authorization".to_owned(), "Basic s3cret".into()));
        let want = r#"POST /join ["accept", "content-type", "authorization"] 11 bytes"#;
        assert_eq!(format!("{request:?}"), want);
    }

    #[test]
    fn a_form_is_encoded_as_go_does() {
        let form = Request::form("/join", &[("addr", "[fd00::1]:8091"), ("who", "a b&c=ü*")]);
        assert_eq!(
            form.body,
            "addr=%5Bfd00%3A%3A1%5D%3A8091&who=a+b%26c%3D%C3%BC*"
        );
    }
}
