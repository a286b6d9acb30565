//! Reading of a request's body, within limits of size and time.

use axum::extract::Request;
use axum::http::request::Parts;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Body as _;
use tokio::time::Instant;

use super::body_budget::{BodyBudget, FREE_BODY_BYTES, Reservation, UNIT_BYTES};
use super::config::HttpConfig;
use super::error::ErrorResponse;
use super::request_context::RequestContext;
use super::state::State;

/// Limit for `/execute`: SetData contains a whole catalog (wire.md Q26).
pub(super) const MAX_EXECUTE_BYTES: u64 = 64 << 20;
/// Limit for all other routes: a few lines of JSON or a form.
pub(super) const MAX_BODY_BYTES: u64 = 1 << 20;
/// Limit for `/node-labels`: labels become many small parts in memory.
pub(super) const MAX_LABELS_BYTES: u64 = 64 << 10;
/// Limit for `/user` and `/role`: a role may have thousands of members.
pub(super) const MAX_ACCOUNTS_BYTES: u64 = 256 << 10;
/// Limit for an identity, alone or in a request to join: it has a few kilobytes. Anyone may post
/// one, it is parsed into many small parts, and waits in a queue as a hint.
pub(super) const MAX_IDENTITY_BYTES: u64 = 64 << 10;

/// Reads the whole body.
///
/// # Errors
/// 413 when it is longer than `limit`, 408 when it takes too long, 400 when it ends early, and the
/// errors of [`BodyBudget::reserve`].
pub(super) async fn read(
    request: Request,
    limit: u64,
    state: &State,
) -> Result<Bytes, ErrorResponse> {
    read_within(request, limit, &state.config, &state.bodies).await
}

/// Reads the whole body of a caller that has not proven yet that it is a node of this cluster. Such
/// bodies have a budget of their own.
///
/// # Errors
/// Errors of `read`.
pub(super) async fn read_unproven(
    request: Request,
    limit: u64,
    state: &State,
) -> Result<Bytes, ErrorResponse> {
    read_within(request, limit, &state.config, &state.unproven_bodies).await
}

async fn read_within(
    request: Request,
    limit: u64,
    config: &HttpConfig,
    budget: &BodyBudget,
) -> Result<Bytes, ErrorResponse> {
    let context = request.extensions().get::<RequestContext>().cloned();
    let mut body = request.into_body();
    let declared = body.size_hint().lower();
    if declared > limit {
        return Err(too_large(limit));
    }
    let mut account = Account::new(budget, context);
    account.reserve_up_to(declared).await?;
    let deadline = Instant::now() + config.body_timeout;
    let mut whole = BodyBuffer::default();
    loop {
        let patience = deadline.min(Instant::now() + config.body_idle_timeout);
        let frame = tokio::time::timeout_at(patience, body.frame()).await;
        let Some(frame) = frame.map_err(|_| too_slow())? else {
            break;
        };
        let frame = frame
            .map_err(|error| ErrorResponse::bad(format!("error reading the body: {error}")))?;
        // Trailers are read and ignored.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if (whole.len() + data.len()) as u64 > limit {
            return Err(too_large(limit));
        }
        account
            .reserve_up_to((whole.len() + data.len()) as u64)
            .await?;
        whole.push(data);
    }
    Ok(account.hold(whole.into_bytes()))
}

/// Bytes that a body has reserved.
struct Account<'a> {
    budget: &'a BodyBudget,
    context: Option<RequestContext>,
    covered: u64,
    reservations: Vec<Reservation>,
}

/// A body with its reservations.
struct ReservedBody {
    bytes: Bytes,
    _reservations: Vec<Reservation>,
}

impl AsRef<[u8]> for ReservedBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Account<'a> {
    fn new(budget: &'a BodyBudget, context: Option<RequestContext>) -> Self {
        Self {
            budget,
            context,
            covered: FREE_BODY_BYTES,
            reservations: Vec::new(),
        }
    }

    /// Returns the body, which keeps its bytes reserved until its last copy is dropped: work on
    /// another thread goes on with it after the caller has reset the connection.
    fn hold(self, bytes: Bytes) -> Bytes {
        if self.reservations.is_empty() {
            return bytes;
        }
        Bytes::from_owner(ReservedBody {
            bytes,
            _reservations: self.reservations,
        })
    }

    /// Reserves what a body of this length needs beyond what it has.
    async fn reserve_up_to(&mut self, bytes: u64) -> Result<(), ErrorResponse> {
        // A request without a connection is one of a test.
        let (Some(context), Some(missing)) = (&self.context, bytes.checked_sub(self.covered))
        else {
            return Ok(());
        };
        if missing == 0 {
            return Ok(());
        }
        let held = self.covered - FREE_BODY_BYTES;
        let missing = missing.next_multiple_of(UNIT_BYTES);
        let step = match held {
            0 => missing,
            _ => missing.max(self.budget.step(held)),
        };
        let from = context.connection.peer.into();
        let reservation = self.budget.reserve(from, step, held).await?;
        self.reservations.push(reservation);
        self.covered += step;
        Ok(())
    }
}

/// Reads the head and the whole body, for requests that may be forwarded.
///
/// # Errors
/// Errors of `read`.
pub(super) async fn read_whole(
    request: Request,
    limit: u64,
    state: &State,
) -> Result<(Parts, Bytes), ErrorResponse> {
    let (parts, request) = split(request);
    Ok((parts, read(request, limit, state).await?))
}

/// Separates the head from the rest, which is still a request.
pub(super) fn split(request: Request) -> (Parts, Request) {
    let (parts, body) = request.into_parts();
    let mut request = Request::new(body);
    *request.extensions_mut() = parts.extensions.clone();
    (parts, request)
}

fn too_large(limit: u64) -> ErrorResponse {
    ErrorResponse::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {limit} bytes"),
    )
}

fn too_slow() -> ErrorResponse {
    ErrorResponse::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")
}

/// Pieces of a body. Nearly every body is one piece, which is then not copied.
#[derive(Default)]
struct BodyBuffer {
    first: Bytes,
    rest: BytesMut,
}

impl BodyBuffer {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&self.first);
            self.first = Bytes::new();
        }
        self.rest.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() {
            self.first
        } else {
            self.rest.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::connection_state::ConnectionState;

    /// A caller that resets its connection ends its request, while a thread still has the body.
    #[tokio::test(start_paused = true)]
    async fn a_body_keeps_its_bytes_reserved_after_its_request_has_ended() {
        let budget = BodyBudget::new(1 << 20);
        let from = std::net::IpAddr::from([10, 0, 0, 1]);
        let mut request = Request::new(axum::body::Body::from(vec![b' '; 1 << 20]));
        request.extensions_mut().insert(RequestContext {
            connection: Arc::new(ConnectionState::new(from)),
            id: hyper::header::HeaderValue::from_static("1"),
            answer_deadline: None,
            peers: None,
        });
        let read = read_within(request, 1 << 20, &HttpConfig::default(), &budget).await;
        let in_use = read.expect("read").clone();
        let reserve = || budget.reserve(std::net::IpAddr::from([10, 0, 0, 2]).into(), 1 << 20, 0);
        assert!(reserve().await.is_err(), "the body is still in memory");
        drop(in_use);
        assert!(reserve().await.is_ok());
    }
}
