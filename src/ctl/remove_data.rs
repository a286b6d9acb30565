//! `influxd-ctl remove-data [-force] <host:port>`: `POST /remove-data` at the bound node.

use super::Output;
use super::flags::RemoveData;
use super::request_once::{self, DATA_NODE_TIMEOUT};
use super::session::Session;
use crate::base::Address;

pub(super) async fn run(session: &Session, asked: &RemoveData) -> Output {
    let Some(address) = &asked.address else {
        return Output::failed(session.said("addr value is empty"));
    };
    match remove(session, &session.bind, address, asked.force).await {
        Ok(()) => Output::done(format!("Removed data node at {address}\n")),
        Err(why) => Output::failed(why),
    }
}

/// Has `at` take the data node at `address` out.
///
/// # Errors
/// The line for stderr.
pub(super) async fn remove(
    session: &Session,
    at: &Address,
    address: &str,
    force: bool,
) -> Result<(), String> {
    let fields = [
        ("addr", address),
        ("force", if force { "true" } else { "false" }),
    ];
    let look = "influxd-ctl show says whether it is still a member";
    request_once::give(
        session,
        at,
        "/remove-data",
        &fields,
        DATA_NODE_TIMEOUT,
        look,
    )
    .await
    .map(drop)
}
