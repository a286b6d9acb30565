//! Requests that the node executes before it answers, which may take long. `-timeout` limits the
//! time until the node has accepted the request. A request is retried only while it is certain that
//! nothing was executed: two of them could run at once.

use std::time::Duration;

use super::session::{Session, located};
use super::status::Status;
use crate::base::Address;
use crate::client::{CallError, Request, Response};

/// Timeout of a request that our server executes at data nodes, for which it takes at most 80 s.
pub(super) const DATA_NODE_TIMEOUT: Duration = Duration::from_secs(90);

/// Timeout of a request that copies or deletes the data of a shard: above the limit of our server.
pub(super) const COPY_SHARD_TIMEOUT: Duration = Duration::from_secs(8 * 24 * 3600);

/// Sends a request and waits for the answer, for at most `timeout`. `how_to_check` tells the
/// operator how to find out the outcome if it is unknown.
///
/// # Errors
/// The line for stderr.
pub(super) async fn send(
    session: &Session,
    at: &Address,
    path: &str,
    fields: &[(&str, &str)],
    timeout: Duration,
    how_to_check: &str,
) -> Result<Response, String> {
    let attempt = async || match session
        .try_for(at, Request::form(path, fields), timeout)
        .await
    {
        Err(error) if is_outcome_unknown(&error) => Ok(Err(error)),
        answered => answered.map(Ok),
    };
    let answered = session.repeat(at, attempt).await?;
    answered.map_err(|error| {
        let what = session.exited(&located(at, &error));
        format!("{what}\nIt may have been carried out, or still be: {how_to_check}")
    })
}

/// Checks that a meta node answers at the bound address within `-timeout`. The next request may
/// take hours, and a node that hangs would be waited for as long.
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

/// Beginning of the error with which our server says that it does not know the outcome. Its
/// status is 503, as that of errors after which nothing was executed.
const OUTCOME_UNKNOWN: &str = "the outcome is unknown";

/// Whether the request may have been executed, so that a retry could execute it twice.
fn is_outcome_unknown(error: &CallError) -> bool {
    match error {
        CallError::Status { status: 503, error } => error.starts_with(OUTCOME_UNKNOWN),
        other => other.is_retryable() && other.is_maybe_executed(),
    }
}
