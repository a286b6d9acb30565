//! The wire's `Data` (wire.md 2): the body of `GET /?index=N`.

use bytes::Bytes;
use prost::Message;

use super::convert::{bytes_of_text, database_info, user_info};
use super::proto::data::{Data, NodeInfo};
use crate::catalog::{Catalog, DataNode, MetaNode};

/// Encodes what data nodes see of the catalog: every required field, in Go's order.
/// Databases and users stand in insertion order, nodes by id.
pub fn encode(catalog: &Catalog) -> Bytes {
    let data = Data {
        term: Some(catalog.term),
        index: Some(catalog.index),
        cluster_id: Some(catalog.cluster.as_ref().map_or(0, |cluster| cluster.id.wire())),
        nodes: Vec::new(),
        databases: catalog.databases.iter().map(database_info).collect(),
        users: catalog.users.iter().map(user_info).collect(),
        max_node_id: Some(catalog.max_node_id),
        max_shard_group_id: Some(catalog.max_shard_group_id),
        max_shard_id: Some(catalog.max_shard_id),
        data_nodes: catalog.data_nodes.values().map(data_node_info).collect(),
        meta_nodes: catalog.meta_nodes.values().map(meta_node_info).collect(),
    };
    data.encode_to_vec().into()
}

fn data_node_info(node: &DataNode) -> NodeInfo {
    NodeInfo {
        id: Some(node.id.0),
        addr: Some(bytes_of_text(&node.http)),
        tcp_addr: Some(bytes_of_text(&node.tcp)),
    }
}

fn meta_node_info(node: &MetaNode) -> NodeInfo {
    NodeInfo {
        id: Some(node.id.0),
        addr: Some(node.http.to_string().into_bytes()),
        tcp_addr: Some(node.raft.to_string().into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// wire.md appendix A.
    #[test]
    fn a_fresh_node_shows_every_required_field() {
        assert_eq!(hex::encode(encode(&Catalog::default())), "080010011800380040004800");
    }
}
