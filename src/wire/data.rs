//! The wire's `Data` (wire.md 2): the body of `GET /?index=N`.

use bytes::Bytes;
use prost::Message;

use super::convert::database_info;
use super::proto::data::{Data, NodeInfo};
use crate::catalog::{Catalog, MetaNode};

/// Encodes what data nodes see of the catalog: every required field, in Go's order.
/// Databases stand in insertion order, meta nodes by id.
pub fn encode(catalog: &Catalog) -> Bytes {
    let data = Data {
        term: Some(catalog.term),
        index: Some(catalog.index),
        cluster_id: Some(catalog.cluster.as_ref().map_or(0, |cluster| cluster.id.wire())),
        databases: catalog.databases.iter().map(database_info).collect(),
        max_node_id: Some(catalog.max_node_id),
        max_shard_group_id: Some(catalog.max_shard_group_id),
        max_shard_id: Some(catalog.max_shard_id),
        meta_nodes: catalog.meta_nodes.values().map(node_info).collect(),
    };
    data.encode_to_vec().into()
}

fn node_info(node: &MetaNode) -> NodeInfo {
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
