//! Requests that the node executes before it answers, which may take long. `-timeout` limits the
//! time until the node has accepted the request. A request is retried only while it is certain that
//! nothing was executed: two of them could run at once.

use std::time::Duration;

use super::session::{Session, is_maybe_executed, located};
use super::status::Status;
use crate::base::Address;
use crate::client::{Request, Response};

/// Timeout of a request that our server executes at data nodes, for which it takes at most 80 s.
pub(super) const DATA_NODE_TIMEOUT: Duration = Duration::from_secs(90);

/// Timeout of a request that copies or deletes the data of a shard: above the limit of our server.
pub(super) const COPY_SHARD_TIMEOUT: Duration = Duration::from_secs(8 * 24 * 3600);

/// Sends a request and waits for the answer, for at most `timeout`. `look` is the command that
/// shows the outcome if it is unknown.
///
/// # Errors
/// The line for stderr.
pub(super) async fn send(
    session: &Session,
    at: &Address,
    path: &str,
    fields: &[(&str, &str)],
    timeout: Duration,
    look: &str,
) -> Result<Response, String> {
    let attempt = async || match session
        .try_for(at, Request::form(path, fields), timeout)
        .await
    {
        Err(error) if error.is_retryable() && is_maybe_executed(&error) => Ok(Err(error)),
        answered => answered.map(Ok),
    };
    let answered = session.change(at, look, attempt).await?;
    answered.map_err(|error| session.may_still_happen(&located(at, &error), look))
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
