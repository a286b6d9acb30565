//! `influxd-ctl leave [-y] [-force]`: takes what runs on this host out of its cluster.

use clap::Args;

use super::{remove_data, remove_meta};
use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;
use crate::client::CallError;
use crate::ctl::local_nodes::{self, LocalDataNode, LocalMetaNode, LocalNodes};
use crate::ctl::members::ClusterMembers;
use crate::ctl::output::{Output, write_stdout};
use crate::ctl::prompt::confirmed;
use crate::ctl::session::Session;
use crate::ctl::status::{Status, is_in_cluster};

#[derive(Debug, Args)]
pub(in crate::ctl) struct Leave {
    /// Do not ask
    #[arg(long = "y", short = 'y')]
    yes: bool,
    /// Also if shards lose their last copy with the data node, or if it could not be reset
    #[arg(long)]
    force: bool,
}

impl Leave {
    pub(super) async fn run(&self, session: &mut Session) -> Output {
        let nodes = local_nodes::nodes(session).await;
        let mut left = Left::default();
        let failure = both(session, self, &nodes, &mut left).await.err();
        Output {
            notes: std::mem::take(&mut left.notes),
            failure,
            ..Output::done(left.summary())
        }
    }
}

/// The nodes that have left.
#[derive(Default)]
struct Left {
    data: Option<Address>,
    meta: Option<Address>,
    /// Lines for stderr about what the removal of the data node leaves behind.
    notes: Vec<String>,
}

/// Removes the data node, then the meta node. If the data node cannot be removed, the meta node
/// stays: the command must not be half done.
async fn both(
    session: &mut Session,
    arguments: &Leave,
    nodes: &LocalNodes,
    left: &mut Left,
) -> Result<(), String> {
    let data = &nodes.data;
    write_stdout(&format!("Searching for data node on {}...", data.at));
    if let Some(status) = &data.status {
        if let Some(notes) = remove(session, arguments, data, status).await? {
            left.data = Some(data.at.clone());
            left.notes = notes;
        }
    } else {
        write_stdout("  * No data node found.");
    }
    write_stdout(&format!(
        "Searching for meta node on {}...",
        nodes.meta_address()
    ));
    match &nodes.meta {
        Ok(here) => {
            if leave(session, arguments, here).await? {
                left.meta = Some(here.name.clone());
            }
            Ok(())
        }
        Err(why) => {
            write_stdout("  * No meta node found.");
            // A host with only a data node is no failure.
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

/// Removes the data node, and returns lines for stderr. `None` if the operator said no, or if it is
/// in no cluster.
async fn remove(
    session: &mut Session,
    arguments: &Leave,
    data: &LocalDataNode,
    status: &Status,
) -> Result<Option<Vec<String>>, String> {
    let at = &data.at;
    let own = if status.tcp_addr.is_empty() {
        at.to_string()
    } else {
        status.tcp_addr.clone()
    };
    let Some(cluster) = cluster_of(session, status, &own).await? else {
        write_stdout(&format!("  * Data node at {at} is not part of a cluster"));
        return Ok(None);
    };
    if !confirmed(
        session,
        arguments.yes,
        &format!("Remove data node {at} from the cluster"),
    )? {
        return Ok(None);
    }
    let notes = remove_data::remove(session, &cluster, &own, arguments.force).await?;
    write_stdout(&format!("Removed {at} from the cluster"));
    Ok(Some(notes))
}

/// Returns a meta node of the cluster that this data node belongs to. `None` if the data node knows
/// no meta node, or if the cluster of those it knows does not list it.
///
/// # Errors
/// The data node knows meta nodes, and none of them knows its cluster.
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
    let mut is_known = false;
    for server in &servers {
        let said: Result<ClusterMembers, CallError> = session
            .get_json_once(server, "/show-cluster", Session::OPTIONAL_TIMEOUT)
            .await;
        let Some(cluster) = said.ok().filter(|cluster| !cluster.is_unknown()) else {
            continue;
        };
        if cluster.has_data_node(own) {
            return Ok(Some(server.clone()));
        }
        is_known = true;
    }
    if is_known {
        return Ok(None);
    }
    let cluster: ClusterMembers = session.get_json(first, "/show-cluster").await?;
    if cluster.is_unknown() {
        return Err(session.exited(&format!("{first} knows no cluster, or no leader of it")));
    }
    Ok(cluster.has_data_node(own).then(|| first.clone()))
}

/// Removes the meta node. Returns false if the operator said no, or if it is in no cluster.
async fn leave(
    session: &mut Session,
    arguments: &Leave,
    here: &LocalMetaNode,
) -> Result<bool, String> {
    if !is_in_cluster(session, &here.at, &here.status).await {
        write_stdout(&format!(
            "  * Meta node at {} is not part of a cluster",
            here.name
        ));
        return Ok(false);
    }
    if !confirmed(
        session,
        arguments.yes,
        &format!("Remove meta node {} from the cluster", here.name),
    )? {
        return Ok(false);
    }
    remove_meta::leave(session, &here.at).await.map(|()| true)
}
