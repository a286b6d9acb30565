//! What a node says of itself, as far as commands need it: tolerant, because the node asked may be
//! of an older or newer version, or of another make.

use serde::{Deserialize, Deserializer};

use super::session::Session;
use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;

/// `GET /status`, of meta nodes and of data nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(deserialize_with = "or_default")]
    pub(super) node_type: String,
    /// Raft address; empty when none is known.
    #[serde(deserialize_with = "or_default")]
    pub(super) leader: String,
    /// What the node advertises.
    #[serde(deserialize_with = "or_default")]
    pub(super) http_addr: String,
    /// Raft addresses, the leader's included.
    #[serde(deserialize_with = "or_default")]
    pub(super) peers: Vec<String>,
    /// What a data node is called in its cluster; empty of meta nodes, as what follows.
    #[serde(deserialize_with = "or_default")]
    pub(super) tcp_addr: String,
    /// HTTP addresses of the meta nodes that a data node knows: none before it joins, and after it
    /// left.
    #[serde(deserialize_with = "or_default")]
    pub(super) meta_addrs: Vec<String>,
}

impl Status {
    pub(super) fn is_meta(&self) -> bool {
        self.node_type == "meta"
    }

    pub(super) fn is_data(&self) -> bool {
        self.node_type == "data"
    }

    /// The name that the node gives itself, whatever it was asked by.
    pub(super) fn advertised(&self) -> Option<Address> {
        Address::parse(&self.http_addr, META_HTTP_PORT).ok()
    }
}

/// Go's `null` is an empty list, text or map.
pub(super) fn or_default<'de, D, T>(d: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

/// `GET /healthz`, which only meta nodes of ours have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Phase {
    phase: String,
}

/// Whether the node at `at`, which has this status, is part of a cluster: it may know no leader
/// just now.
pub(super) async fn is_in_cluster(session: &Session, at: &Address, status: &Status) -> bool {
    !status.leader.is_empty()
        || matches!(
            phase(session, at).await.as_str(),
            "started" | "joining" | "member"
        )
}

/// Whether the node was taken out of its cluster.
pub(super) async fn is_removed(session: &Session, at: &Address) -> bool {
    phase(session, at).await == "removed"
}

async fn phase(session: &Session, at: &Address) -> String {
    let said: Option<Phase> = session
        .get_json_once(at, "/healthz", Session::RETRY_TIMEOUT)
        .await
        .ok();
    said.unwrap_or_default().phase
}

/// As it is read from what a server of ours writes.
#[cfg(test)]
pub(super) fn read<T: for<'de> Deserialize<'de>>(written: &impl serde::Serialize) -> T {
    let text = serde_json::to_string(written).expect("encodes");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::api;
    use crate::wire::data_node::DataNodeStatus;

    /// Nothing here is spelled otherwise than our server spells it.
    #[test]
    fn what_our_server_writes_is_read() {
        let status: Status = read(&api::Status {
            node_type: "meta".into(),
            leader: "m:8089".into(),
            http_addr: "m:8091".into(),
            raft_addr: "m:8089".into(),
            peers: Some(vec!["m:8089".into()]),
        });
        assert_eq!((status.is_meta(), status.leader.as_str()), (true, "m:8089"));
        assert_eq!(status.peers, ["m:8089"]);
        assert_eq!(status.advertised(), Some(Address::new("m", 8091)));
    }

    #[test]
    fn what_a_data_node_writes_is_read() {
        let said = DataNodeStatus {
            node_type: "data".into(),
            tcp_addr: "d:8088".into(),
            meta_addrs: Some(vec!["m:8091".into()]),
            ..DataNodeStatus::default()
        };
        let status: Status = read(&said);
        assert_eq!(
            (status.is_data(), status.is_meta(), status.tcp_addr.as_str()),
            (true, false, "d:8088")
        );
        assert_eq!(status.meta_addrs, ["m:8091"]);
        let status: Status = read(&DataNodeStatus {
            meta_addrs: None,
            ..said
        });
        assert_eq!(status.meta_addrs, [""; 0]);
    }
}
