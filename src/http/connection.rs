//! A connection: hyper over a stream with timeouts.

use std::pin::pin;
use std::sync::Arc;

use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;

use super::config::MAX_HEAD_BYTES;
use super::connection_state::ConnectionState;
use super::dispatch::{App, answer};
use super::timeout_stream::{StreamTimeouts, TimeoutStream};
use crate::runtime::net::Stream;
use crate::runtime::net::places::Place;

/// Serves until the peer closes, a timeout ends the connection, or `drain` is cancelled: then the
/// current request is answered, and the connection closed.
///
/// When another connection needs `place`, this one ends at once between two requests, otherwise
/// after the current request.
pub(super) async fn serve(
    stream: Box<dyn Stream>,
    state: Arc<ConnectionState>,
    app: Arc<App>,
    place: Place,
    drain: CancellationToken,
) {
    let limits = StreamTimeouts {
        idle: app.config.idle_timeout,
        head: app.config.head_timeout,
        stall: app.config.stall_timeout,
        linger: app.config.linger_timeout,
    };
    let io = TokioIo::new(TimeoutStream::new(stream, state.clone(), limits));
    // The timeouts of both stages are in `TimeoutStream`. hyper measures from the end of the last
    // answer to the end of the next head; because it has a timeout for that, it reads on after each
    // answer, by which the stream's timeouts start.
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(app.config.idle_timeout + app.config.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .title_case_headers(true);
    let requests = state.clone();
    // Safety order: the stage changes before hyper reads on, which it does before it polls the
    // answer. Otherwise the end of the stream behind a body would be taken for one inside a head.
    let service = service_fn(move |request: Request<Incoming>| {
        requests.request_begun(!request.body().is_end_stream());
        answer(app.clone(), requests.clone(), request)
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    tokio::select! {
        biased;
        // Only the peer needs to know how the connection ended, and it does.
        _ = connection.as_mut() => return,
        () = drain.cancelled() => {}
        () = place.evicted() => {
            if state.is_between_requests() {
                return;
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
