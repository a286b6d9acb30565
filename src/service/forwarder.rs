//! Forwarding of a request to another meta node: the trait that `client` implements.

use std::fmt;

use bytes::Bytes;
use tokio::time::Instant;

use crate::base::{Address, Incarnation};
use crate::client::{CallError, Client, Response};
use crate::runtime::net::BoxFuture;
use crate::wire::headers::{MEANT_FOR, TIMEOUT};

/// A request that is forwarded. Plain values: `service` knows no HTTP types.
#[derive(Clone, PartialEq, Eq)]
pub struct ForwardedRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query as they came: `/execute`, `/lease?name=x&nodeid=5`.
    pub path_and_query: String,
    /// Names in any case; values as they came, which may be no UTF-8.
    pub headers: Vec<(String, Bytes)>,
    pub body: Bytes,
}

impl ForwardedRequest {
    /// Returns the same request, for this node only to execute.
    #[must_use]
    pub(super) fn meant_for(mut self, incarnation: Incarnation) -> Self {
        self.headers
            .push((MEANT_FOR.to_owned(), incarnation.to_string().into()));
        self
    }

    /// Returns the same request, which says how long this node waits for the answer.
    #[must_use]
    pub(super) fn answered_until(mut self, deadline: Instant) -> Self {
        let left = deadline.saturating_duration_since(Instant::now());
        let value = left.as_millis().to_string();
        self.headers.push((TIMEOUT.to_owned(), value.into()));
        self
    }
}

/// Leaves out what may be secret: the query, the headers' values, the body.
impl fmt::Debug for ForwardedRequest {
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

/// An answer of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedResponse {
    pub status: u16,
    pub headers: Vec<(String, Bytes)>,
    pub body: Bytes,
}

impl ForwardedResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Reasons why there is no answer. They differ in whether the request may have been executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// No byte of the request was sent: it was certainly not executed, and may be retried.
    #[error("{0}")]
    NotSent(CallError),
    /// The request was sent, at least in part: whether it was executed is unknown.
    #[error("{0}")]
    NoAnswer(CallError),
}

/// Sends one request to another meta node and follows no redirect.
pub trait Forwarder: Send + Sync + 'static {
    fn forward<'a>(
        &'a self,
        to: &'a Address,
        request: &'a ForwardedRequest,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<ForwardedResponse, ForwardError>>;
}

impl Forwarder for Client {
    fn forward<'a>(
        &'a self,
        to: &'a Address,
        request: &'a ForwardedRequest,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<ForwardedResponse, ForwardError>> {
        Box::pin(async move {
            let ForwardedRequest {
                method,
                path_and_query,
                headers,
                body,
            } = request;
            let sent = self
                .forward(
                    to,
                    method,
                    path_and_query,
                    headers.clone(),
                    body.clone(),
                    deadline,
                )
                .await;
            match sent {
                Ok(Response {
                    status,
                    headers,
                    body,
                }) => Ok(ForwardedResponse {
                    status,
                    headers,
                    body,
                }),
                Err(error) if error.is_maybe_executed() => Err(ForwardError::NoAnswer(error)),
                Err(error) => Err(ForwardError::NotSent(error)),
            }
        })
    }
}
