//! A connection: hyper over a stream with timeouts.

use std::pin::pin;
use std::sync::Arc;

use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;

use super::connection_state::ConnectionState;
use super::dispatch::{App, answer};
use super::timeout_stream::{StreamTimeouts, TimeoutStream};
use crate::runtime::net::Stream;

/// Serves until the peer closes, a timeout ends the connection, or `drain` is cancelled: then the
/// current request is answered, and the connection closed.
pub(super) async fn serve(stream: Box<dyn Stream>, app: Arc<App>, drain: CancellationToken) {
    let state = Arc::new(ConnectionState::new(stream.peer().ip()));
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
        .title_case_headers(true);
    // Safety order: the stage changes before hyper reads on, which it does before it polls the
    // answer. Otherwise the end of the stream behind a body would be taken for one inside a head.
    let service = service_fn(move |request: Request<Incoming>| {
        state.request_begun(!request.body().is_end_stream());
        answer(app.clone(), state.clone(), request)
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    tokio::select! {
        biased;
        // Only the peer needs to know how the connection ended, and it does.
        _ = connection.as_mut() => return,
        () = drain.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
