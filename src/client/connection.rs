//! An HTTP connection, with one exchange after another on it.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::message::{ExchangeError, MAX_BODY_BYTES, from_hyper, to_hyper};
use super::traffic::{Traffic, WatchedStream};
use super::{CallError, OtherService, Request, Response};
use crate::base::Address;
use crate::runtime::net::Stream;

/// An HTTP/1.1 connection. It is driven only while a caller waits for its answer. Dropping the call
/// drops the socket, so that no late answer can come from an abandoned one (founding.md 3.1).
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Pin<Box<Driver>>>,
    traffic: Arc<Traffic>,
    port: u16,
    /// Maximum size of an answer.
    max_body: usize,
}

type Driver = http1::Connection<TokioIo<WatchedStream>, Full<Bytes>>;

impl Connection {
    pub(super) async fn handshake(stream: Box<dyn Stream>, port: u16) -> Result<Self, CallError> {
        let traffic = Arc::new(Traffic::default());
        let watched = WatchedStream::new(stream, traffic.clone());
        let (sender, driver) = http1::handshake(TokioIo::new(watched))
            .await
            .map_err(|error| CallError::Io {
                text: error.to_string(),
                sent: false,
            })?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
            traffic,
            port,
            max_body: MAX_BODY_BYTES,
        })
    }

    /// Lowers the maximum size of an answer, for a peer that may be any program.
    pub(super) fn with_max_body(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn exchange(
        &mut self,
        host: &Address,
        request: &Request,
        deadline: Instant,
    ) -> Result<Response, CallError> {
        let request = to_hyper(host, request)?;
        self.traffic.begin();
        match timeout_at(deadline, self.drive(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.explain(&error)),
            // The driver is dropped with this connection and may have been writing, so the request
            // may have been sent.
            Err(_) => Err(CallError::Timeout { sent: true }),
        }
    }

    async fn drive(
        &mut self,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<Response, ExchangeError> {
        let (sender, max_body) = (&mut self.sender, self.max_body);
        let call = async move {
            sender.ready().await?;
            from_hyper(sender.send_request(request).await?, max_body).await
        };
        let mut call = std::pin::pin!(call);
        if let Some(driver) = self.driver.as_mut() {
            tokio::select! {
                biased;
                done = &mut call => return done,
                // The connection ended: the call has its answer already, or it never comes.
                _ = driver => {}
            }
        }
        self.driver = None;
        call.await
    }

    /// Whether another request may be sent on it, as far as can be seen here.
    pub(super) fn is_reusable(&mut self) -> bool {
        // One poll of the socket notices a server that has closed it, before anything is sent.
        let ended = self
            .driver
            .as_mut()
            .is_none_or(|driver| driver.now_or_never().is_some());
        if ended {
            self.driver = None;
        }
        !ended && self.sender.is_ready()
    }

    fn explain(&self, broken: &ExchangeError) -> CallError {
        if let Some(other) = self.traffic.other_service(self.port) {
            return other;
        }
        match broken {
            ExchangeError::Http(error) if error.is_parse() => {
                CallError::NotOurs(OtherService::NotHttp)
            }
            _ => CallError::Io {
                text: broken.to_string(),
                sent: self.traffic.has_sent(),
            },
        }
    }
}
