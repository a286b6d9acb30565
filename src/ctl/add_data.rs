//! `influxd-ctl add-data [-p] <host:port>`: `POST /add-data` at the bound node.

use serde::Deserialize;

use super::Output;
use super::flags::AddData;
use super::members::Cluster;
use super::request_once::DATA_NODE_TIMEOUT;
use super::session::Session;
use crate::base::Address;
use crate::client::Request;

pub(super) async fn run(session: &Session, asked: &AddData) -> Output {
    let Some(address) = &asked.address else {
        return Output::failed(session.said("tcpAddr value is empty"));
    };
    match add(session, &session.bind, address, asked.passive).await {
        Ok(added) => Output {
            stdout: format!("Added data node {} at {}\n", added.id, added.tcp_addr),
            notes: added.note.into_iter().collect(),
            failure: None,
        },
        Err(why) => Output::failed(why),
    }
}

/// What `/add-data` answers, as far as it is printed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Added {
    pub(super) id: u64,
    pub(super) tcp_addr: String,
    /// A line for stderr.
    #[serde(skip)]
    pub(super) note: Option<String>,
}

/// Asks `at` to add the data node at `address`; asking again is harmless.
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
    let mut added: Added = session.repeat(at, attempt).await?;
    if passive && is_active(session, at, added.id).await {
        added.note = Some(session.said(&format!(
            "data node {} was a member already and is not passive: only a node that is added becomes so",
            added.id
        )));
    }
    Ok(added)
}

/// A member is only said again, whatever it is.
async fn is_active(session: &Session, at: &Address, id: u64) -> bool {
    let cluster: Option<Cluster> = session
        .get_json_once(at, "/show-cluster", Session::RETRY_TIMEOUT)
        .await
        .ok();
    cluster.is_some_and(|cluster| {
        cluster
            .data
            .iter()
            .any(|node| node.id == id && !node.passive)
    })
}
