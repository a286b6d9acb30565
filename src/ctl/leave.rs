//! `influxd-ctl leave [-y]`: takes what runs on this host out of its cluster.

use super::flags::Leave;
use super::local_nodes::{self, DataPlace, Here};
use super::members::Cluster;
use super::prompt::confirmed;
use super::session::Session;
use super::status::{Status, is_in_cluster};
use super::{Output, remove_data, remove_meta, tell};
use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;
use crate::client::CallError;

pub(super) async fn run(session: &mut Session, asked: &Leave) -> Output {
    let nodes = local_nodes::nodes(session).await;
    let mut left = Left::default();
    let failure = both(session, asked, &nodes, &mut left).await.err();
    Output {
        stdout: left.summary(),
        notes: Vec::new(),
        failure,
    }
}

/// Who is out now.
#[derive(Default)]
struct Left {
    data: Option<Address>,
    meta: Option<Address>,
}

/// The data node first, and the meta node not at all after a failure: what was asked for both is
/// not half done because the first could not go.
async fn both(
    session: &mut Session,
    asked: &Leave,
    nodes: &local_nodes::Nodes,
    left: &mut Left,
) -> Result<(), String> {
    let data = &nodes.data;
    tell(&format!("Searching for data node on {}...", data.at));
    if let Some(status) = &data.status {
        if remove(session, asked, data, status).await? {
            left.data = Some(data.at.clone());
        }
    } else {
        tell("  * No data node found.");
    }
    tell(&format!(
        "Searching for meta node on {}...",
        nodes.meta_address()
    ));
    match &nodes.meta {
        Ok(here) => {
            if leave(session, asked, here).await? {
                left.meta = Some(here.name.clone());
            }
            Ok(())
        }
        Err(why) => {
            tell("  * No meta node found.");
            // A host with a data node alone is none that failed.
            if data.status.is_some() {
                Ok(())
            } else {
                Err(why.clone())
            }
        }
    }
}

impl Left {
    fn summary(&self) -> String {
        if self.data.is_none() && self.meta.is_none() {
            return "No nodes removed from cluster.\n".to_owned();
        }
        let line = |kind: &str, gone: &Option<Address>| match gone {
            Some(at) => format!("  * Removed {kind} node {at} from cluster\n"),
            None => format!("  * No {kind} node removed from cluster\n"),
        };
        let (data, meta) = (line("data", &self.data), line("meta", &self.meta));
        format!("\nSuccessfully left cluster\n\n{data}{meta}")
    }
}

/// Whether the data node is out now; a no is no failure, nor is a node that is in no cluster.
async fn remove(
    session: &mut Session,
    asked: &Leave,
    data: &DataPlace,
    status: &Status,
) -> Result<bool, String> {
    let at = &data.at;
    let own = if status.tcp_addr.is_empty() {
        at.to_string()
    } else {
        status.tcp_addr.clone()
    };
    let Some(cluster) = cluster_of(session, status, &own).await? else {
        tell(&format!("  * Data node at {at} is not part of a cluster"));
        return Ok(false);
    };
    if !confirmed(
        session,
        asked.yes,
        &format!("Remove data node {at} from the cluster"),
    )? {
        return Ok(false);
    }
    remove_data::remove(session, &cluster, &own, false).await?;
    tell(&format!("Removed {at} from the cluster"));
    Ok(true)
}

/// A meta node of the cluster that has this data node; `None` if the cluster of the meta nodes that
/// it knows has not.
///
/// # Errors
/// It knows meta nodes, and none of them tells.
async fn cluster_of(
    session: &Session,
    status: &Status,
    own: &str,
) -> Result<Option<Address>, String> {
    let parsed = status
        .meta_addrs
        .iter()
        .filter_map(|server| Address::parse(server, META_HTTP_PORT).ok());
    let servers: Vec<Address> = parsed.collect();
    let Some(first) = servers.first() else {
        return Ok(None);
    };
    let mut tells = false;
    for server in &servers {
        let said: Result<Cluster, CallError> = session
            .get_json_once(server, "/show-cluster", Session::RETRY_TIMEOUT)
            .await;
        let Some(cluster) = said.ok().filter(|cluster| !cluster.is_unknown()) else {
            continue;
        };
        if cluster.has_data_node(own) {
            return Ok(Some(server.clone()));
        }
        tells = true;
    }
    if tells {
        return Ok(None);
    }
    let cluster: Cluster = session.get_json(first, "/show-cluster").await?;
    if cluster.is_unknown() {
        return Err(session.exited(&format!("{first} knows no cluster, or no leader of it")));
    }
    Ok(cluster.has_data_node(own).then(|| first.clone()))
}

/// Whether the meta node is out now; as with [`remove`].
async fn leave(session: &mut Session, asked: &Leave, here: &Here) -> Result<bool, String> {
    if !is_in_cluster(session, &here.at, &here.status).await {
        tell(&format!(
            "  * Meta node at {} is not part of a cluster",
            here.name
        ));
        return Ok(false);
    }
    if !confirmed(
        session,
        asked.yes,
        &format!("Remove meta node {} from the cluster", here.name),
    )? {
        return Ok(false);
    }
    remove_meta::leave(session, &here.at).await.map(|()| true)
}
