//! Data nodes in `/show-cluster`.

use super::data_node_info;
use crate::catalog::{Catalog, DataNode};
use crate::service::Service;
use crate::wire::api::{Announcement, DataNodeInfo};

impl Service {
    /// Returns `None` when there are no data nodes. Takes scheme and version from announcements.
    pub(in crate::service) fn data_node_infos(
        &self,
        catalog: &Catalog,
        announcements: &[Announcement],
    ) -> Option<Vec<DataNodeInfo>> {
        let listed = |node: &DataNode| {
            let listed = data_node_info(node);
            let known = announcements
                .iter()
                .find(|announced| announced.tcp_addr == listed.tcp_addr);
            let (http_scheme, version) = known
                .map(|known| (known.http_scheme.clone(), known.version.clone()))
                .unwrap_or_default();
            DataNodeInfo {
                http_scheme,
                version,
                status: "joined".to_owned(),
                labels: Some(node.labels.clone()),
                passive: Some(catalog.is_passive(node)),
                ..listed
            }
        };
        let nodes: Vec<DataNodeInfo> = catalog.data_nodes.values().map(listed).collect();
        (!nodes.is_empty()).then_some(nodes)
    }
}
