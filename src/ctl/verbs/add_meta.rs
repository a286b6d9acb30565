//! `influxd-ctl add-meta [<host:port>]`: `POST /join` at the bound node.

use clap::Args;
use serde::Deserialize;

use crate::base::Address;
use crate::ctl::addresses::http_address;
use crate::ctl::output::Output;
use crate::ctl::session::Session;
use crate::ctl::status::Status;

/// Command that shows whether the node was added.
const LOOK: &str = "influxd-ctl show: is it a member?";

#[derive(Debug, Args)]
pub(in crate::ctl) struct AddMeta {
    /// HTTP address of the meta node to add; without one: the bound node itself
    #[arg(value_name = "HOST:PORT", value_parser = http_address)]
    address: Option<Address>,
}

impl AddMeta {
    pub(super) async fn run(&self, session: &Session) -> Output {
        match self.add(session).await {
            Ok(added) => Output::done(format!("Added meta node {} at {}\n", added.id, added.addr)),
            Err(why) => Output::failed(why),
        }
    }

    async fn add(&self, session: &Session) -> Result<Added, String> {
        let address = match &self.address {
            Some(address) => address.clone(),
            None => bound_node(session).await?,
        };
        join(session, &session.bind, &address).await
    }
}

/// Returns the address that the bound node advertises.
async fn bound_node(session: &Session) -> Result<Address, String> {
    let status: Status = session.get_json(&session.bind, "/status").await?;
    if !status.is_meta() {
        return Err(session.exited(&format!("{} is not a meta node", session.bind)));
    }
    let unnamed = || {
        session.exited(&format!(
            "{} does not say what others call it",
            session.bind
        ))
    };
    status.advertised().ok_or_else(unnamed)
}

/// Answer of `/join`, without the fields that are not printed.
#[derive(Debug, Deserialize)]
pub(super) struct Added {
    pub(super) id: u64,
    pub(super) addr: String,
}

/// Requests that `at` adds the meta node at `address`. Idempotent.
///
/// # Errors
/// The line for stderr.
pub(super) async fn join(
    session: &Session,
    at: &Address,
    address: &Address,
) -> Result<Added, String> {
    let address = address.to_string();
    let fields = [("addr", address.as_str())];
    session
        .change(at, LOOK, async || {
            session.try_form(at, "/join", &fields).await?.json()
        })
        .await
}
