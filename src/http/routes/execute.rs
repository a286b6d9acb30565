//! `POST /execute`: a command of the wire, answered with the wire's `Response` (wire.md 4.7).

use axum::extract::Request;
use axum::response::Response;

use super::Shared;
use crate::http::body::{self, EXECUTE_LIMIT};
use crate::http::error::Failure;
use crate::http::leader::{By, at_leader};
use crate::http::reply::{OCTETS, ok_bytes};
use crate::service::Executed;

pub(super) async fn execute(state: Shared, request: Request) -> Result<Response, Failure> {
    let (parts, body) = body::read_whole(request, EXECUTE_LIMIT, &state.config).await?;
    let service = &state.service;
    let deadline = service.deadline();
    let here = || async {
        Ok(match service.execute(body.clone(), deadline).await? {
            Executed::Response(bytes) => Some(ok_bytes(OCTETS, bytes)),
            Executed::NotLeader => None,
        })
    };
    at_leader(service, &parts, &body, deadline, By::HostName, here).await
}
