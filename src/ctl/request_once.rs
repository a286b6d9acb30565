//! Orders to a node that carries them out before it answers. `-timeout` says how long it is tried
//! to give one; what is done then takes as long as it takes. An order is repeated only while it is
//! certain that nothing was done: a second one could meet the first.

use std::time::Duration;

use super::session::{Session, what_at};
use super::status::Status;
use crate::base::Address;
use crate::client::{CallError, Request, Response};

/// Above the limit that our server has for what it does at data nodes (80 s).
pub(super) const DATA_NODE_TIMEOUT: Duration = Duration::from_secs(90);

/// Above the limit that our server has for moving and deleting the data of a shard.
pub(super) const COPY_SHARD_TIMEOUT: Duration = Duration::from_secs(8 * 24 * 3600);

/// Gives an order with these parameters and waits for what comes of it, for at most `patience`.
/// `look` says where to look when nobody knows.
///
/// # Errors
/// The line for stderr.
pub(super) async fn give(
    session: &Session,
    at: &Address,
    path: &str,
    fields: &[(&str, &str)],
    patience: Duration,
    look: &str,
) -> Result<Response, String> {
    let attempt = async || match session
        .try_for(at, Request::form(path, fields), patience)
        .await
    {
        Err(error) if is_lost(&error) => Ok(Err(error)),
        answered => answered.map(Ok),
    };
    let answered = session.repeat(at, attempt).await?;
    answered.map_err(|error| {
        let what = session.exited(&what_at(at, &error));
        format!("{what}\nIt may have been carried out, or still be: {look}")
    })
}

/// Fails unless a meta node answers at the bound address within `-timeout`: what is asked next may
/// take hours, and one that is frozen would be waited for as long.
///
/// # Errors
/// The line for stderr.
pub(super) async fn reach(session: &Session) -> Result<(), String> {
    let status: Status = session.get_json(&session.bind, "/status").await?;
    if status.is_meta() {
        return Ok(());
    }
    Err(session.exited(&format!("{} is not a meta node", session.bind)))
}

/// It may have been carried out, and repeating it is not sure to be harmless. 503 says that nothing
/// was done, unless it says so itself.
fn is_lost(error: &CallError) -> bool {
    match error {
        CallError::Status { status: 503, error } => error.starts_with("the outcome is unknown"),
        other => other.is_retryable() && other.is_maybe_executed(),
    }
}
