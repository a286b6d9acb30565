//! The three tables of `show`, in the layout of InfluxDB Enterprise.

use crate::ctl::members::{ClusterMembers, Labels};
use crate::ctl::status::Status;
use crate::ctl::table::Table;

pub(super) fn print(status: &Status, cluster: &ClusterMembers) -> String {
    [
        data_nodes(cluster),
        meta_nodes(cluster),
        raft_status(status),
    ]
    .map(|table| table.print())
    .join("\n")
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
        table.row(vec![
            node.id.to_string(),
            node.tcp_addr.clone(),
            node.http_addr.clone(),
            version(&node.version),
            labels(&node.labels),
            node.passive.to_string(),
        ]);
    }
    table
}

fn meta_nodes(cluster: &ClusterMembers) -> Table {
    let columns = ["ID", "Raft Address", "HTTP Address", "Version", "Labels"];
    let mut table = Table::with_columns("Meta Nodes", &columns);
    for node in &cluster.meta {
        table.row(vec![
            node.id.to_string(),
            node.tcp_addr.clone(),
            node.addr.clone(),
            version(&node.version),
            labels(&node.labels),
        ]);
    }
    table
}

fn raft_status(status: &Status) -> Table {
    let others = status.peers.iter().filter(|peer| **peer != status.leader);
    let others: Vec<String> = others.map(|peer| format!("{peer:?}")).collect();
    let mut table = Table::new("Raft Status");
    table.row(vec!["Leader".to_owned(), status.leader.clone()]);
    table.row(vec!["Peers".to_owned(), format!("[{}]", others.join(", "))]);
    table
}

/// Versions are learnt from announcements. A node that cannot be reached has sent none.
fn version(version: &str) -> String {
    if version.is_empty() {
        "unknown".to_owned()
    } else {
        version.to_owned()
    }
}

/// Formats labels as a JSON object with sorted keys.
fn labels(labels: &Labels) -> String {
    serde_json::to_string(labels).unwrap_or_default()
}
