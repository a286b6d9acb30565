//! The bodies of a request and of its answer, which tell the connection's stage what happens.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body as AnyBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::connection_state::ConnectionState;

/// Body of a request.
pub(super) struct RequestBody {
    body: Incoming,
    connection: Arc<ConnectionState>,
}

/// Reasons why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestBodyError {
    #[error(transparent)]
    Hyper(#[from] hyper::Error),
    #[error("the connection ended before the body did")]
    Truncated,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, connection: Arc<ConnectionState>) -> Self {
        Self { body, connection }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        // Order: hyper hands over all bytes that it has before it reads on and sees the end of the
        // stream. So if the end was seen before this poll, what is not here now never comes.
        let has_ended = self.connection.has_peer_ended(cx.waker());
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_pending() && has_ended {
            return Poll::Ready(Some(Err(RequestBodyError::Truncated)));
        }
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.connection.body_complete();
        }
        polled.map_err(RequestBodyError::Hyper)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Body of an answer. hyper drops it when it has taken all of it.
pub(super) struct AnswerBody {
    body: AnyBody,
    connection: Arc<ConnectionState>,
}

impl AnswerBody {
    pub(super) fn new(body: AnyBody, connection: Arc<ConnectionState>) -> Self {
        Self { body, connection }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.connection.answer_complete();
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
