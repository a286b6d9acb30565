//! `influxd-ctl add-meta [<host:port>]`: `POST /join` at the bound node.

use std::io::IsTerminal;

use clap::Args;
use serde::Deserialize;

use crate::base::Address;
use crate::ctl::addresses::http_address;
use crate::ctl::output::Output;
use crate::ctl::prompt::confirmed;
use crate::ctl::session::Session;
use crate::ctl::status::{Status, is_in_cluster};

/// Command that shows whether the node was added.
const LOOK: &str = "influxd-ctl show: is it a member?";

#[derive(Debug, Args)]
pub(in crate::ctl) struct AddMeta {
    /// HTTP address of the meta node to add; without one: the bound node itself, after a question
    #[arg(value_name = "HOST:PORT", value_parser = http_address)]
    address: Option<Address>,
}

impl AddMeta {
    pub(super) async fn run(&self, session: &mut Session) -> Output {
        match self.add(session).await {
            Ok(Some(added)) => Output::done(added.sentence()),
            Ok(None) => Output::default(),
            Err(why) => Output::failed(why),
        }
    }

    /// Returns the added node; `None` if the operator said no.
    async fn add(&self, session: &mut Session) -> Result<Option<Added>, String> {
        let address = match &self.address {
            Some(address) => address.clone(),
            None => {
                let address = bound_node(session).await?;
                if !may_found(session, &address).await? {
                    return Ok(None);
                }
                address
            }
        };
        join(session, &session.bind, &address).await.map(Some)
    }
}

/// Asks the operator before a node that is in no cluster, and that no argument names, founds one.
///
/// # Errors
/// Nobody can be asked; the line for stderr.
pub(super) async fn may_found(session: &mut Session, node: &Address) -> Result<bool, String> {
    let bind = session.bind.clone();
    let status: Status = session.get_json(&bind, "/status").await?;
    if is_in_cluster(session, &bind, &status).await {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        let command = session.command;
        return Err(session.line(&format!(
            "{node} is in no cluster, and an address is required; to form a new cluster of it: \
             influxd-ctl {command} {node}"
        )));
    }
    confirmed(
        session,
        false,
        &format!("{node} is in no cluster. Form a new cluster of it"),
    )
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
    /// A sentence if the result is not the usual one.
    #[serde(default)]
    pub(super) note: Option<String>,
}

impl Added {
    fn sentence(&self) -> String {
        let note = self.note.iter().map(|note| format!("; {note}"));
        let note: String = note.collect();
        format!("Added meta node {} at {}{note}\n", self.id, self.addr)
    }
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
