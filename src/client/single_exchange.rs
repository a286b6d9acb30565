//! An exchange on a connection that the caller made: to another port than 8091, or through TLS.

use tokio::time::Instant;

use super::connection::Connection;
use super::{CallError, Request, Response};
use crate::base::Address;
use crate::runtime::net::Stream;

/// Sends a request to `host` at the other end of `stream` and reads an answer of at most `max_body`
/// bytes. No redirect is followed.
///
/// # Errors
/// No answer. An answer of any status is `Ok`.
pub async fn exchange(
    stream: Box<dyn Stream>,
    host: &Address,
    request: &Request,
    max_body: usize,
    deadline: Instant,
) -> Result<Response, CallError> {
    Connection::handshake(stream, host.port())
        .await?
        .with_max_body(max_body)
        .exchange(host, request, deadline)
        .await
}
