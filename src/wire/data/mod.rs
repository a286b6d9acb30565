//! The wire's `Data` (wire.md 2): the body of `GET /?index=N`.

mod database;
mod databases;
mod groups;
mod gzip;
mod rope;

use bytes::Bytes;
use prost::Message;

pub use rope::Rope;

use super::convert::{bytes_of_text, shown_user_info};
use super::proto::data::{Data, NodeInfo};
use crate::catalog::{Catalog, DataNode, MetaNode, ShownUsers};
use databases::Rows;
use rope::RopeBuilder;

/// Encoder of successive catalogs. It encodes again only what changed since the last one.
#[derive(Default)]
pub struct Encoder {
    rows: Rows,
}

impl Encoder {
    /// Encodes what data nodes see of the catalog: every required field, in Go's order.
    /// Databases and users stand in insertion order, nodes by id.
    pub fn encode(&mut self, catalog: &Catalog) -> Rope {
        let mut parts = RopeBuilder::default();
        let head = Data {
            term: Some(catalog.term),
            index: Some(catalog.index),
            cluster_id: Some(
                catalog
                    .cluster
                    .as_ref()
                    .map_or(0, |cluster| cluster.id.wire()),
            ),
            ..Data::default()
        };
        head.encode_raw(parts.open());
        self.rows.encode(catalog, &mut parts);
        tail(catalog).encode_raw(parts.open());
        Rope(parts.finish())
    }
}

/// Encodes a catalog as one piece.
pub fn encode(catalog: &Catalog) -> Bytes {
    Encoder::default().encode(catalog).to_bytes()
}

fn tail(catalog: &Catalog) -> Data {
    let shown = ShownUsers::of(catalog);
    let users = catalog.users.iter();
    Data {
        users: users.map(|user| shown_user_info(&shown, user)).collect(),
        max_node_id: Some(catalog.max_node_id),
        max_shard_group_id: Some(catalog.max_shard_group_id),
        max_shard_id: Some(catalog.max_shard_id),
        data_nodes: catalog.data_nodes.values().map(data_node_info).collect(),
        meta_nodes: catalog.meta_nodes.values().map(meta_node_info).collect(),
        ..Data::default()
    }
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
mod tests;
