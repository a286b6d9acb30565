//! The nodes of this host, which `join` and `leave` are about.
//!
//! The meta node is the bound one, under the name that it gives itself: the host's own name would be a guess, and is
//! used only where no meta node answers.

use std::cell::Cell;

use super::session::Session;
use super::status::Status;
use crate::base::Address;
use crate::client::CallError;

const META_PORT: u16 = 8091;
const DATA_PORT: u16 = 8088;

/// A meta node that answers.
pub(super) struct Here {
    /// Where it answered.
    pub(super) at: Address,
    /// What others call it.
    pub(super) name: Address,
    pub(super) status: Status,
}

/// The meta node at `-bind`, or one that listens at the host's name only.
///
/// # Errors
/// The line for stderr.
pub(super) async fn meta_node(session: &Session) -> Result<Here, String> {
    find(session, Ok).await
}

/// The same, to be named to another node, which would take `localhost` for itself: one that starts does not know its
/// name yet.
///
/// # Errors
/// The line for stderr.
pub(super) async fn named_meta_node(session: &Session) -> Result<Here, String> {
    let has_name = |status: Status| {
        let is_named = status.advertised().is_some() || !session.bind.is_loopback_literal();
        if is_named || !status.is_meta() {
            return Ok(status);
        }
        let error = format!("{} does not say yet what others call it", session.bind);
        Err(CallError::Status { status: 503, error })
    };
    find(session, has_name).await
}

async fn find(
    session: &Session,
    accept: impl Fn(Status) -> Result<Status, CallError>,
) -> Result<Here, String> {
    let by_name = host_name().with_port(META_PORT);
    let at_name = Cell::new(false);
    let status: Status = session
        .repeat(&session.bind, async || {
            let error = match session.try_json(&session.bind, "/status").await {
                Err(error) if session.bind.is_loopback_literal() => error,
                answered => return answered.and_then(&accept),
            };
            let answered: Result<Status, CallError> =
                session.get_json_once(&by_name, "/status", Session::PATIENCE).await;
            at_name.set(answered.is_ok());
            answered.map_err(|_| error)
        })
        .await?;
    let at = if at_name.get() { by_name } else { session.bind.clone() };
    if !status.is_meta() {
        return Err(session.exited(&format!("{at} is not a meta node")));
    }
    let name = status.advertised().unwrap_or_else(|| at.clone());
    Ok(Here { at, name, status })
}

/// Where a data node of the same host would be.
pub(super) fn data_address(meta: Option<&Here>) -> Address {
    meta.map_or_else(host_name, |here| here.name.clone()).with_port(DATA_PORT)
}

/// Where a meta node of this host would be.
pub(super) fn meta_address(meta: Option<&Here>) -> Address {
    meta.map_or_else(|| host_name().with_port(META_PORT), |here| here.name.clone())
}

/// Whether a data node answers there. Asked once: whoever runs one has started it already.
pub(super) async fn has_data_node(session: &Session, at: &Address) -> bool {
    let said: Result<Status, CallError> =
        session.get_json_of_data_node(at, "/status", Session::PATIENCE).await;
    said.is_ok_and(|status| status.node_type == "data")
}

fn host_name() -> Address {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Address::parse(&name, META_PORT).unwrap_or_else(|_| Address::new("localhost", META_PORT))
}
