//! The output of `show -format json`. The manual's page ctl.md lists the fields.

use serde::Serialize;

use super::details::Details;
use super::report::others;
use super::responses::HealthResponse;
use crate::ctl::members::{ClusterMembers, DataNode, Labels, MetaNode};
use crate::ctl::status::Status;

#[derive(Serialize)]
pub(super) struct ClusterJson<'a> {
    /// Raft address; `null` if the node knows no leader.
    leader: Option<&'a str>,
    /// Raft addresses of the other voters.
    peers: Vec<&'a str>,
    data_nodes: Vec<DataNodeJson<'a>>,
    meta_nodes: Vec<MetaNodeJson<'a>>,
    warnings: &'a [String],
    /// With `-v`.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Vec<super::details::NodeJson<'a>>>,
}

#[derive(Serialize)]
struct DataNodeJson<'a> {
    id: u64,
    tcp_address: &'a str,
    http_address: &'a str,
    /// `null` if the node has announced none, as one that cannot be reached.
    version: Option<&'a str>,
    labels: &'a Labels,
    passive: bool,
}

#[derive(Serialize)]
struct MetaNodeJson<'a> {
    id: u64,
    raft_address: &'a str,
    http_address: &'a str,
    version: Option<&'a str>,
    labels: &'a Labels,
    leader: bool,
}

impl<'a> ClusterJson<'a> {
    pub(super) fn new(
        status: &'a Status,
        cluster: &'a ClusterMembers,
        health: Option<&'a HealthResponse>,
        details: Option<&'a Details>,
    ) -> Self {
        Self {
            leader: some(&status.leader),
            peers: others(status).collect(),
            data_nodes: cluster.data.iter().map(data_node).collect(),
            meta_nodes: cluster
                .meta
                .iter()
                .map(|node| meta_node(node, status))
                .collect(),
            warnings: health
                .map(|health| health.warnings.as_slice())
                .unwrap_or_default(),
            details: details.map(Details::json),
        }
    }
}

fn data_node(node: &DataNode) -> DataNodeJson<'_> {
    DataNodeJson {
        id: node.id,
        tcp_address: &node.tcp_addr,
        http_address: &node.http_addr,
        version: some(&node.version),
        labels: &node.labels,
        passive: node.passive,
    }
}

fn meta_node<'a>(node: &'a MetaNode, status: &Status) -> MetaNodeJson<'a> {
    MetaNodeJson {
        id: node.id,
        raft_address: &node.tcp_addr,
        http_address: &node.addr,
        version: some(&node.version),
        labels: &node.labels,
        leader: status.is_leader(&node.tcp_addr),
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
