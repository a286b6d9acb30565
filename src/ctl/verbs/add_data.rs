//! `influxd-ctl add-data [-p] <host:port>`: `POST /add-data` at the bound node.

use clap::Args;
use serde::Deserialize;

use crate::base::Address;
use crate::client::Request;
use crate::ctl::addresses::data_address;
use crate::ctl::members::ClusterMembers;
use crate::ctl::output::Output;
use crate::ctl::request_once::DATA_NODE_TIMEOUT;
use crate::ctl::session::Session;

const EMPTY: &str = "tcpAddr value is empty";
/// Command that shows whether the node was added.
const LOOK: &str = "influxd-ctl show: is it a member?";

#[derive(Debug, Args)]
pub(in crate::ctl) struct AddData {
    /// Passive: it takes points and queries for the others, and owns no shards
    #[arg(long = "p", short = 'p')]
    passive: bool,
    /// TCP address of the data node
    #[arg(required = true, value_name = "HOST:PORT", value_parser = |text: &str| data_address(text, EMPTY))]
    address: Option<String>,
}

impl AddData {
    pub(super) async fn run(&self, session: &Session) -> Output {
        let Some(address) = &self.address else {
            return Output::failed(session.line(EMPTY));
        };
        match add(session, &session.bind, address, self.passive).await {
            Ok(added) => Output {
                notes: added.note.into_iter().collect(),
                ..Output::done(format!(
                    "Added data node {} at {}\n",
                    added.id, added.tcp_addr
                ))
            },
            Err(why) => Output::failed(why),
        }
    }
}

/// Answer of `/add-data`, without the fields that are not printed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Added {
    pub(super) id: u64,
    pub(super) tcp_addr: String,
    /// Line for stderr.
    #[serde(skip)]
    pub(super) note: Option<String>,
}

/// Requests that `at` adds the data node at `address`. Idempotent.
///
/// # Errors
/// The line for stderr.
pub(super) async fn add(
    session: &Session,
    at: &Address,
    address: &str,
    passive: bool,
) -> Result<Added, String> {
    let mut fields = vec![("addr", address)];
    fields.extend(passive.then_some(("passive", "true")));
    let attempt = async || {
        let request = Request::form("/add-data", &fields);
        session
            .try_for(at, request, DATA_NODE_TIMEOUT)
            .await?
            .json()
    };
    let mut added: Added = session.change(at, LOOK, attempt).await?;
    if passive && is_active(session, at, added.id).await {
        added.note = Some(session.line(&format!(
            "data node {} was a member already and is not passive: \
             only a node that is added becomes so",
            added.id
        )));
    }
    Ok(added)
}

/// Whether the node is a member and not passive. `/add-data` of a member changes nothing.
async fn is_active(session: &Session, at: &Address, id: u64) -> bool {
    let cluster: Option<ClusterMembers> = session
        .get_json_once(at, "/show-cluster", Session::OPTIONAL_TIMEOUT)
        .await
        .ok();
    cluster.is_some_and(|cluster| {
        cluster
            .data
            .iter()
            .any(|node| node.id == id && !node.passive)
    })
}
