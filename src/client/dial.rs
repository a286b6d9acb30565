//! Making connections.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::CallError;
use super::connection::Connection;
use crate::base::Address;
use crate::runtime::Net;
use crate::runtime::net::Stream;

/// Timeout of one connection attempt, after which the next address is tried. Within one network
/// connecting takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Resolves the name anew and tries every address that it gives.
///
/// # Errors
/// The most informative of several failures: [`CallError::Refused`] only if all addresses refuse.
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

/// Same as [`connect`], for HTTP.
pub(super) async fn dial(
    net: &dyn Net,
    to: &Address,
    deadline: Instant,
) -> Result<Connection, CallError> {
    Connection::handshake(connect(net, to, deadline).await?, to.port()).await
}

/// All present addresses of the name.
///
/// # Errors
/// No answer in time, or the name does not exist.
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
