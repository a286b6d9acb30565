//! Making a connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::CallError;
use super::connection::Connection;
use crate::base::Address;
use crate::runtime::Net;
use crate::runtime::net::Stream;

/// A connection attempt that takes longer goes to the next address: in one network it takes
/// milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Resolves the name anew and tries every address it gives.
///
/// # Errors
/// Of several failures the one that says most: only if all refuse, it is refused.
pub async fn connect(
    net: &dyn Net,
    to: &Address,
    deadline: Instant,
) -> Result<Box<dyn Stream>, CallError> {
    let mut worst = CallError::NameUnknown;
    for address in resolve(net, to, deadline).await? {
        match connect_at(net, address, deadline).await {
            Ok(stream) => return Ok(stream),
            Err(CallError::Refused) if worst != CallError::NameUnknown => {}
            Err(error) => worst = error,
        }
    }
    Err(worst)
}

/// As [`connect`], for HTTP.
pub(super) async fn dial(
    net: &dyn Net,
    to: &Address,
    deadline: Instant,
) -> Result<Connection, CallError> {
    Connection::handshake(connect(net, to, deadline).await?, to.port()).await
}

/// Every address that the name has now.
///
/// # Errors
/// No answer in time, or that there is no such name.
pub(super) async fn resolve(
    net: &dyn Net,
    to: &Address,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, CallError> {
    let lookup = timeout_at(deadline, net.resolve(to.host(), to.port())).await;
    lookup
        .map_err(|_| CallError::Timeout { sent: false })?
        .map_err(|error| CallError::from_lookup(&error))
}

/// Dials exactly this address.
pub(super) async fn dial_at(
    net: &dyn Net,
    address: SocketAddr,
    deadline: Instant,
) -> Result<Connection, CallError> {
    Connection::handshake(connect_at(net, address, deadline).await?, address.port()).await
}

async fn connect_at(
    net: &dyn Net,
    address: SocketAddr,
    deadline: Instant,
) -> Result<Box<dyn Stream>, CallError> {
    let dialled = timeout_at(
        deadline.min(Instant::now() + CONNECT_TIMEOUT),
        net.dial(address),
    )
    .await;
    dialled
        .map_err(|_| CallError::Timeout { sent: false })?
        .map_err(|error| CallError::from_dial(&error))
}
