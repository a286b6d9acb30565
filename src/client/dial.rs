//! Making connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::CallError;
use super::connection::Connection;
use crate::base::Address;
use crate::runtime::Net;
use crate::runtime::net::{Stream, dial_error_priority};

/// Timeout of one connection attempt, after which the next address is tried. Within one network
/// connecting takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Resolves the name anew and tries every address that it gives.
///
/// # Errors
/// The most informative of several failures: [`CallError::Refused`] only if no address fails in
/// another way, those apart that this host cannot use at all.
pub async fn connect(
    net: &dyn Net,
    to: &Address,
    deadline: Instant,
) -> Result<Box<dyn Stream>, CallError> {
    let mut worst: Option<io::Error> = None;
    for address in resolve(net, to, deadline).await? {
        match stream_to(net, address, deadline).await {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                let is_worse = worst
                    .as_ref()
                    .is_none_or(|worst| dial_error_priority(&error) >= dial_error_priority(worst));
                if is_worse {
                    worst = Some(error);
                }
            }
        }
    }
    Err(worst.map_or(CallError::NAME_UNKNOWN, |error| {
        CallError::from_dial(&error)
    }))
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
    Ok(lookup.map_err(|_| CallError::LookupTimeout)??)
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
    let dialled = stream_to(net, address, deadline).await;
    dialled.map_err(|error| CallError::from_dial(&error))
}

async fn stream_to(
    net: &dyn Net,
    address: SocketAddr,
    deadline: Instant,
) -> io::Result<Box<dyn Stream>> {
    let end = deadline.min(Instant::now() + CONNECT_TIMEOUT);
    timeout_at(end, net.dial(address)).await?
}
