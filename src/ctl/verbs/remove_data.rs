//! `influxd-ctl remove-data [-force] <host:port>`: `POST /remove-data` at the bound node.

use clap::Args;

use crate::base::Address;
use crate::ctl::addresses::data_address;
use crate::ctl::output::Output;
use crate::ctl::request_once::{self, DATA_NODE_TIMEOUT};
use crate::ctl::session::Session;

const EMPTY: &str = "addr value is empty";

#[derive(Debug, Args)]
pub(in crate::ctl) struct RemoveData {
    /// Also if it does not answer, and also if shards lose their last copy
    #[arg(long)]
    force: bool,
    /// TCP address of the data node
    #[arg(required = true, value_name = "HOST:PORT", value_parser = |text: &str| data_address(text, EMPTY))]
    address: Option<String>,
}

impl RemoveData {
    pub(super) async fn run(&self, session: &Session) -> Output {
        let Some(address) = &self.address else {
            return Output::failed(session.line(EMPTY));
        };
        remove(session, &session.bind, address, self.force)
            .await
            .map(|()| format!("Removed data node at {address}\n"))
            .into()
    }
}

/// Requests that `at` removes the data node at `address`.
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
    let look = "influxd-ctl show: is it still a member?";
    request_once::send(
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
