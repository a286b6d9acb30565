//! A connection, with one request and one answer on it.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::read::read_answer;
use super::{Asked, DataNodes, Failed, FailureCause, OtherService, UnreadableAnswer};
use crate::base::Address;
use crate::client::{self, CallError, Request};
use crate::runtime::net::Stream;
use crate::wire::data_node::{Call, DataNodeResponse, DataNodeStatus, request};

/// Timeout for the look-up, all addresses of the name and the handshake together. The answer may
/// take longer. A single address gets 1 s, as in the original.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of a status. It has a few hundred bytes.
const MAX_STATUS_BYTES: usize = 256 << 10;

/// Maximum size of an answer that is decoded on the threads that carry Raft: a millisecond's work.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// User agent of meta nodes towards data nodes (wire.md 7.3).
const USER_AGENT: &str = "InfluxDB Meta Service";

impl DataNodes {
    pub(super) async fn call<C: Call>(
        &self,
        at: &Address,
        call: &C,
        deadline: Instant,
    ) -> Result<C::Answer, Failed> {
        let failed = |why| Failed {
            at: at.clone(),
            asked: Asked::Call(C::KIND),
            why,
        };
        let bytes = request(call).map_err(FailureCause::Unfit).map_err(failed)?;
        let mut stream = self.connect(at, deadline).await.map_err(failed)?;
        let asked = timeout_at(deadline, self.exchange::<C>(&mut *stream, &bytes)).await;
        asked.unwrap_or(Err(FailureCause::Timeout)).map_err(failed)
    }

    async fn exchange<C: Call>(
        &self,
        stream: &mut dyn Stream,
        bytes: &Bytes,
    ) -> Result<C::Answer, FailureCause> {
        if let Err(error) = write(stream, bytes).await {
            return Err(FailureCause::Broken {
                doing: "write request",
                text: error.to_string(),
            });
        }
        let body = read_answer(stream, C::KIND).await?;
        let decoded = if body.len() > MAX_INLINE_BYTES {
            let decode = move || C::Answer::decode(&body);
            self.tasks.blocking(decode).await
        } else {
            C::Answer::decode(&body)
        };
        decoded?.map_err(FailureCause::Said)
    }

    pub(super) async fn get_status(
        &self,
        at: &Address,
        deadline: Instant,
    ) -> Result<DataNodeStatus, Failed> {
        let failed = |why| Failed {
            at: at.clone(),
            asked: Asked::Status,
            why,
        };
        let stream = self.connect(at, deadline).await.map_err(failed)?;
        let mut request = Request::get("/status");
        request
            .headers
            .push(("user-agent".to_owned(), USER_AGENT.into()));
        let answer = client::exchange(stream, at, &request, MAX_STATUS_BYTES, deadline).await;
        let answer = answer
            .and_then(client::Response::success)
            .map_err(from_http)
            .map_err(failed)?;
        let status: DataNodeStatus = answer.json().map_err(from_http).map_err(failed)?;
        check(&status).map_err(failed)?;
        Ok(status)
    }

    async fn connect(
        &self,
        at: &Address,
        deadline: Instant,
    ) -> Result<Box<dyn Stream>, FailureCause> {
        let deadline = deadline.min(Instant::now() + CONNECT_TIMEOUT);
        let stream = client::connect(&*self.net, at, deadline)
            .await
            .map_err(FailureCause::Unreached)?;
        let Some(tls) = &self.tls else {
            return Ok(stream);
        };
        let secured = timeout_at(deadline, tls.connect(stream, at.host())).await;
        secured
            .map_err(|_| FailureCause::Unreached(CallError::Timeout { sent: false }))?
            .map_err(FailureCause::Tls)
    }
}

/// Writes the request. Our direction stays open until the answer is there, as in the original.
async fn write(stream: &mut dyn Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

fn check(status: &DataNodeStatus) -> Result<(), FailureCause> {
    if status.node_type != "data" {
        let node_type = status.node_type.clone();
        return Err(FailureCause::NotADataNode(OtherService::NodeType {
            node_type,
        }));
    }
    // A data node is known by its TCP address, so the status must have it.
    if status.tcp_addr.is_empty() {
        return Err(FailureCause::Unreadable(UnreadableAnswer::NoTcpAddr));
    }
    Ok(())
}

fn from_http(error: CallError) -> FailureCause {
    match error {
        CallError::Status { status, error } => FailureCause::Status { status, error },
        CallError::Timeout { .. } | CallError::LookupTimeout => FailureCause::Timeout,
        CallError::Io { text, .. } => FailureCause::Broken {
            doing: "read status",
            text,
        },
        CallError::NotOurs(service) => FailureCause::NotADataNode(OtherService::NoNode(service)),
        CallError::RaftPort => FailureCause::NotADataNode(OtherService::RaftPort),
        CallError::Junk(error) => FailureCause::Unreadable(UnreadableAnswer::Status(error)),
        other => FailureCause::NotADataNode(OtherService::Call(other)),
    }
}
