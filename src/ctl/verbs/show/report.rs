//! The three tables of `show`, in the layout of InfluxDB Enterprise.

use crate::ctl::members::{ClusterMembers, Labels};
use crate::ctl::status::Status;
use crate::ctl::table::{Mark, Table};

pub(super) fn tables(status: &Status, cluster: &ClusterMembers) -> Vec<Table> {
    vec![
        data_nodes(cluster),
        meta_nodes(cluster, status),
        raft_status(status),
    ]
}

fn data_nodes(cluster: &ClusterMembers) -> Table {
    let columns = [
        "ID",
        "TCP Address",
        "HTTP Address",
        "Version",
        "Labels",
        "Passive",
    ];
    let mut table = Table::with_columns("Data Nodes", &columns);
    for node in &cluster.data {
        let cells = vec![
            node.id.to_string(),
            node.tcp_addr.clone(),
            node.http_addr.clone(),
            version(&node.version),
            labels(&node.labels),
            node.passive.to_string(),
        ];
        table.marked_row(mark(&node.version, false), cells);
    }
    table
}

fn meta_nodes(cluster: &ClusterMembers, status: &Status) -> Table {
    let columns = ["ID", "Raft Address", "HTTP Address", "Version", "Labels"];
    let mut table = Table::with_columns("Meta Nodes", &columns);
    for node in &cluster.meta {
        let cells = vec![
            node.id.to_string(),
            node.tcp_addr.clone(),
            node.addr.clone(),
            version(&node.version),
            labels(&node.labels),
        ];
        let mark = mark(&node.version, status.is_leader(&node.tcp_addr));
        table.marked_row(mark, cells);
    }
    table
}

fn raft_status(status: &Status) -> Table {
    let others: Vec<String> = others(status).map(|peer| format!("{peer:?}")).collect();
    let mut table = Table::new("Raft Status");
    table.row(vec!["Leader".to_owned(), status.leader.clone()]);
    table.row(vec!["Peers".to_owned(), format!("[{}]", others.join(", "))]);
    table
}

/// Raft addresses of the voters beside the leader.
pub(super) fn others(status: &Status) -> impl Iterator<Item = &str> {
    let peers = status.peers.iter().map(String::as_str);
    peers.filter(|peer| !status.is_leader(peer))
}

/// A node without a version has announced itself to nobody: it cannot be reached, or has just
/// started.
fn mark(version: &str, is_leader: bool) -> Mark {
    match (is_leader, is_unannounced(version)) {
        (true, _) => Mark::Leader,
        (false, true) => Mark::Bad,
        (false, false) => Mark::Plain,
    }
}

/// Whether this is the version of a node that has announced none.
pub(super) fn is_unannounced(version: &str) -> bool {
    matches!(version, "" | UNKNOWN)
}

/// Version of a node that has announced none.
const UNKNOWN: &str = "unknown";

/// Versions are learnt from announcements. A node that cannot be reached has sent none.
fn version(version: &str) -> String {
    if version.is_empty() {
        UNKNOWN.to_owned()
    } else {
        version.to_owned()
    }
}

/// Formats labels as a JSON object with sorted keys.
fn labels(labels: &Labels) -> String {
    serde_json::to_string(labels).unwrap_or_default()
}
