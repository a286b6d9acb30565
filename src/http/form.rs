//! A request with its parameters, and with all that is needed to forward it.

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;

use super::body::{self, MAX_BODY_BYTES};
use super::error::ErrorResponse;
use super::leader;
use super::params::Params;
use super::state::State;
use crate::service::{Error, Limits, Service};

pub(super) struct Form {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) params: Params,
}

impl Form {
    /// Reads the body and the parameters.
    ///
    /// # Errors
    /// The body is too large, too slow, or a multipart form that cannot be decoded.
    pub(super) async fn read(state: &State, request: Request) -> Result<Self, ErrorResponse> {
        let (parts, body) = body::read_whole(request, MAX_BODY_BYTES, state).await?;
        let params = Params::from_form(&parts.uri, &parts.headers, body.clone()).await?;
        Ok(Self {
            parts,
            body,
            params,
        })
    }

    /// Returns the value of a required parameter.
    ///
    /// # Errors
    /// 400 `addr is required`.
    pub(super) fn required(&self, name: &str) -> Result<&str, ErrorResponse> {
        self.params
            .get(name)
            .ok_or_else(|| ErrorResponse::bad(format!("{name} is required")))
    }

    /// Answers this request here or through the leader: see [`leader::at_leader`].
    ///
    /// # Errors
    /// Errors of `local`, and of the leader.
    pub(super) async fn at_leader<Fut>(
        &self,
        service: &Service,
        limits: Limits,
        local: impl Fn() -> Fut,
    ) -> Result<Response, ErrorResponse>
    where
        Fut: Future<Output = Result<Response, Error>>,
    {
        leader::at_leader(service, &self.parts, &self.body, limits, local).await
    }

    /// Returns whether the value is exactly `true`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.params.get(name) == Some("true")
    }
}
