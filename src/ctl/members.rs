//! The answer of `GET /show-cluster`, with the fields that commands need.
//!
//! Missing fields and `null` are allowed, because the node may have an older or newer version than
//! this program, or may be another program. `wire::api` has the types that our server writes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::status::or_default;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterMembers {
    #[serde(deserialize_with = "or_default")]
    pub(super) data: Vec<DataNode>,
    #[serde(deserialize_with = "or_default")]
    pub(super) meta: Vec<MetaNode>,
}

impl ClusterMembers {
    /// Whether the node knows no cluster. A cluster has at least the meta node that was asked.
    pub(super) fn is_unknown(&self) -> bool {
        self.data.is_empty() && self.meta.is_empty()
    }

    /// Whether the cluster has a data node with this address.
    pub(super) fn has_data_node(&self, tcp_addr: &str) -> bool {
        self.data.iter().any(|node| node.tcp_addr == tcp_addr)
    }
}

pub(super) type Labels = BTreeMap<String, serde_json::Value>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DataNode {
    pub(super) id: u64,
    #[serde(deserialize_with = "or_default")]
    pub(super) tcp_addr: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) http_addr: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: Labels,
    pub(super) passive: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct MetaNode {
    pub(super) id: u64,
    /// HTTP address.
    #[serde(deserialize_with = "or_default")]
    pub(super) addr: String,
    /// Raft address.
    #[serde(deserialize_with = "or_default")]
    pub(super) tcp_addr: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: Labels,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;
    use crate::ctl::status::read;
    use crate::wire::api;

    /// Every field is spelled as our server spells it.
    #[test]
    fn what_our_server_writes_is_read() {
        let labels = || Some([("az".to_owned(), "east".to_owned())].into());
        let meta = api::MetaNodeInfo {
            id: NodeId(1),
            addr: "m:8091".into(),
            http_scheme: "http".into(),
            tcp_addr: "m:8089".into(),
            version: "v".into(),
            labels: labels(),
            note: None,
        };
        let data = api::DataNodeInfo {
            id: NodeId(4),
            tcp_addr: "d:8088".into(),
            http_addr: "d:8086".into(),
            http_scheme: "http".into(),
            status: "joined".into(),
            version: "w".into(),
            labels: labels(),
            passive: Some(true),
        };
        let cluster: ClusterMembers = read(&api::ClusterInfo {
            data: Some(vec![data]),
            meta: Some(vec![meta]),
        });
        let node = &cluster.meta[0];
        assert_eq!(
            (node.id, node.addr.as_str(), node.tcp_addr.as_str()),
            (1, "m:8091", "m:8089")
        );
        assert_eq!(
            (node.version.as_str(), &node.labels["az"]),
            ("v", &"east".into())
        );
        let node = &cluster.data[0];
        assert_eq!(
            (node.id, node.tcp_addr.as_str(), node.http_addr.as_str()),
            (4, "d:8088", "d:8086")
        );
        assert_eq!(
            (node.version.as_str(), &node.labels["az"], node.passive),
            ("w", &"east".into(), true)
        );
        let unknown: ClusterMembers = read(&api::ClusterInfo::default());
        assert!(unknown.is_unknown() && !cluster.is_unknown());
    }
}
