//! Members of the cluster, for `/ping`, `/status`, `/peers` and `/show-cluster` (wire.md 6.1).
//!
//! Every node answers from local state, at once. A node without a leader still returns what it last
//! knew.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Error, Service};
use crate::base::{Address, Incarnation, RaftId};
use crate::catalog::{Catalog, MetaNode};
use crate::cluster::View;
use crate::raft::{Applied, RaftStatus};
use crate::wire::api::{Announcement, ClusterInfo, MetaNodeInfo, Status};
use crate::wire::identity::Identity;

/// State of this node, read once, so that the parts of an answer fit together.
pub(super) struct LocalState {
    pub(super) view: Arc<View>,
    pub(super) raft: Option<(RaftStatus, Arc<Applied>)>,
}

impl Service {
    /// Returns whether a node of the cluster was found at this address lately. Nothing follows but
    /// a place for a connection.
    pub fn is_cluster_address(&self, ip: IpAddr) -> bool {
        self.cluster().addresses().has_node(ip)
    }

    pub(super) fn local_state(&self) -> LocalState {
        let cluster = self.cluster();
        let raft = cluster.raft().ok().map(|raft| {
            let applied = raft.applied().borrow().clone();
            (raft.status(), applied)
        });
        LocalState {
            view: cluster.view(),
            raft,
        }
    }

    /// Returns the leader's Raft address; empty when none is known.
    pub fn leader(&self) -> String {
        self.local_state()
            .leader()
            .map(|address| address.to_string())
            .unwrap_or_default()
    }

    pub fn status(&self) -> Status {
        let local = self.local_state();
        let text = |address: Option<&Address>| address.map(Address::to_string).unwrap_or_default();
        Status {
            node_type: "meta".to_owned(),
            leader: text(local.leader()),
            http_addr: text(local.view.http.as_ref()),
            raft_addr: text(local.view.raft.as_ref()),
            peers: local.peers(),
        }
    }

    /// Returns the Raft addresses of the voters; `None` without a leader.
    pub fn peers(&self) -> Option<Vec<String>> {
        self.local_state().peers()
    }

    /// Returns the last known members, with a leader or without. On a node outside a cluster both
    /// lists are `None`.
    pub fn show_cluster(&self) -> ClusterInfo {
        let local = self.local_state();
        let announcements = self.cluster().announcements();
        let meta = |catalog: &Catalog| -> Vec<MetaNodeInfo> {
            catalog
                .meta_nodes
                .values()
                .map(|node| self.meta_node_info(node, &local.view, &announcements))
                .collect()
        };
        let meta = local.catalog().map(meta).filter(|nodes| !nodes.is_empty());
        let data = local
            .catalog()
            .and_then(|catalog| self.data_node_infos(catalog, &announcements));
        ClusterInfo { data, meta }
    }

    /// Takes scheme and version from announcements, for this node from its configuration.
    fn meta_node_info(
        &self,
        node: &MetaNode,
        view: &View,
        announcements: &[Announcement],
    ) -> MetaNodeInfo {
        let tcp_addr = node.raft.to_string();
        let (http_scheme, version) = if node.incarnation == view.incarnation {
            (self.scheme().to_owned(), self.version().to_owned())
        } else {
            let known = announcements.iter().find(|a| a.tcp_addr == tcp_addr);
            known
                .map(|a| (a.http_scheme.clone(), a.version.clone()))
                .unwrap_or_default()
        };
        let labels = Some(node.labels.clone());
        MetaNodeInfo {
            id: node.id,
            addr: node.http.to_string(),
            http_scheme,
            tcp_addr,
            version,
            labels,
            note: None,
        }
    }

    pub fn announced(&self, announcement: &Announcement) {
        self.cluster().announced(announcement);
    }

    /// Returns our identity. The caller's is only a hint to poll it soon (founding.md 3).
    ///
    /// # Errors
    /// `NotMember` while this node does not know its own identity.
    pub fn exchange_identity(
        &self,
        theirs: Option<&Identity>,
        from: IpAddr,
    ) -> Result<Identity, Error> {
        if let Some(theirs) = theirs {
            self.cluster().hint(theirs, from);
        }
        Ok(self.cluster().identity()?)
    }

    /// Returns `None` while this node does not know its own identity.
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.cluster()
            .identity()
            .ok()
            .map(|identity| identity.incarnation)
    }
}

impl LocalState {
    pub(super) fn catalog(&self) -> Option<&Catalog> {
        self.raft.as_ref().map(|(_, applied)| &applied.catalog)
    }

    fn raft_address(&self, raft_id: RaftId) -> Option<&Address> {
        if self.view.raft_id == Some(raft_id) {
            return self.view.raft.as_ref();
        }
        Some(&self.catalog()?.meta_node_by_raft_id(raft_id)?.raft)
    }

    fn leader(&self) -> Option<&Address> {
        let (status, _) = self.raft.as_ref()?;
        self.raft_address(status.leader?)
    }

    fn peers(&self) -> Option<Vec<String>> {
        let (status, _) = self.raft.as_ref()?;
        self.leader()?;
        Some(
            status
                .voters
                .iter()
                .filter_map(|id| self.raft_address(*id))
                .map(Address::to_string)
                .collect(),
        )
    }
}
