//! `/user`, `/role` and `/authorized`: users with their permissions, and roles (users.md 4).

use std::time::Duration;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use hyper::StatusCode;
use tokio::time::Instant;

use crate::base::Text;
use crate::http::answer_deadline;
use crate::http::body::{self, MAX_ACCOUNTS_BYTES};
use crate::http::error::ErrorResponse;
use crate::http::leader::{at_leader, caller_ip, is_forwarded};
use crate::http::params::Params;
use crate::http::reply::{empty_text, ok_json};
use crate::http::state::{AppState, State};
use crate::service::{Error, Limits, Retry, Service};
use crate::wire::accounts::{self, NewSecret, OperationFault, UserOperation};

/// Timeout for finding a leader to read from. Then this node answers from what it has: Kapacitor
/// must be able to check logins meanwhile.
const READ_LEADER_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout for the leader's answer to a read.
const READ_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn users(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    read(&state, request, list_users).await
}

pub(super) async fn roles(state: AppState, request: Request) -> Result<Response, ErrorResponse> {
    read(&state, request, list_roles).await
}

fn list_users(service: &Service, name: Option<&str>) -> Result<Response, Error> {
    Ok(ok_json(&service.users(name)?))
}

fn list_roles(service: &Service, name: Option<&str>) -> Result<Response, Error> {
    Ok(ok_json(&service.roles(name)?))
}

/// Checks the password and a permission of a user, for Kapacitor. Answered here, never forwarded or
/// redirected: the password is in the URL (clients.md trap 10).
pub(super) async fn authorized(
    state: AppState,
    request: Request,
) -> Result<Response, ErrorResponse> {
    let (parts, _) = request.into_parts();
    let params = Params::from_query(&parts.uri);
    let value = |name| params.get(name).unwrap_or_default();
    let (name, permission, resource) = (value("name"), value("permission"), value("resource"));
    let is_permitted = state.service.is_permitted(name, permission, resource)?;
    let (from, users) = (caller_ip(&parts), &*state.users);
    state
        .authenticator
        .verify_password(name.as_bytes(), value("password").as_bytes(), from, users)
        .await?;
    if !is_permitted {
        let text = format!("{name:?} lacks the permission {permission}");
        return Err(ErrorResponse::new(StatusCode::FORBIDDEN, text));
    }
    Ok(empty_text())
}

/// Always forwarded, as scripts follow no redirect. Hashes the password on the leader, before
/// anything is logged.
pub(super) async fn change_user(
    state: AppState,
    request: Request,
) -> Result<Response, ErrorResponse> {
    let (parts, body) = body::read_whole(request, MAX_ACCOUNTS_BYTES, &state).await?;
    let operation = accounts::user_operation(&body).map_err(bad)?;
    let service = &state.service;
    let deadline = answer_deadline::at_most(service.deadline(), &parts);
    let local = || async {
        service.check_user_operation(&operation, deadline).await?;
        let hash = hash(&state, &parts, &operation).await?;
        service.change_user(&operation, hash, deadline).await?;
        Ok(empty_text())
    };
    at_leader(service, &parts, &body, deadline, local).await
}

pub(super) async fn change_role(
    state: AppState,
    request: Request,
) -> Result<Response, ErrorResponse> {
    let (parts, body) = body::read_whole(request, MAX_ACCOUNTS_BYTES, &state).await?;
    let operation = accounts::role_operation(&body).map_err(bad)?;
    let service = &state.service;
    let deadline = answer_deadline::at_most(service.deadline(), &parts);
    let local = || async {
        service.change_role(&operation, deadline).await?;
        Ok(empty_text())
    };
    at_leader(service, &parts, &body, deadline, local).await
}

async fn hash(
    state: &State,
    parts: &Parts,
    operation: &UserOperation,
) -> Result<Option<Text>, Error> {
    match operation.secret() {
        None => Ok(None),
        Some(NewSecret::Hash(hash)) => Ok(Some(hash.clone())),
        Some(NewSecret::Password(password)) => {
            let user = operation.name.as_bytes();
            let from = caller_ip(parts);
            let hashed = state
                .authenticator
                .hash_password(user, password.as_bytes(), from);
            Ok(Some(Text::from(&hashed.await?)))
        }
    }
}

/// Answers with what the leader has, so that a caller reads its own writes on every node
/// (clients.md A1). Without a leader this node answers from its own state.
async fn read(
    state: &State,
    request: Request,
    list: impl Fn(&Service, Option<&str>) -> Result<Response, Error>,
) -> Result<Response, ErrorResponse> {
    let (parts, _) = request.into_parts();
    let params = Params::from_query(&parts.uri);
    let (service, name) = (&*state.service, params.get("name"));
    let limits = Limits {
        leader_timeout: READ_LEADER_TIMEOUT,
        answer: Instant::now() + READ_ANSWER_TIMEOUT,
        retry: Retry::Idempotent,
    };
    let local = || async {
        service.confirm_leads(limits.answer).await?;
        list(service, name)
    };
    let body = Bytes::new();
    let answered = at_leader(service, &parts, &body, limits, local).await;
    match answered {
        Err(error) if error.is_unavailable() && !is_forwarded(&parts) => Ok(list(service, name)?),
        answered => answered,
    }
}

fn bad(fault: OperationFault) -> ErrorResponse {
    ErrorResponse::bad(fault.to_string())
}
