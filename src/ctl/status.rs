//! The answers of `GET /status` and `GET /healthz`, with the fields that commands need.
//!
//! Missing fields and `null` are allowed, because the node may have an older or newer version than
//! this program, or may be another program.

use serde::{Deserialize, Deserializer};

use super::session::Session;
use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;
use crate::client::CallError;
use crate::wire::identity::Phase;

/// Answer of `GET /status` from a meta node or a data node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(deserialize_with = "or_default")]
    pub(super) node_type: String,
    /// Raft address; empty when none is known.
    #[serde(deserialize_with = "or_default")]
    pub(super) leader: String,
    /// HTTP address that a meta node advertises.
    #[serde(deserialize_with = "or_default")]
    pub(super) http_addr: String,
    /// Raft addresses of all voters, the leader included.
    #[serde(deserialize_with = "or_default")]
    pub(super) peers: Vec<String>,
    /// Address of a data node in its cluster; empty for meta nodes.
    #[serde(deserialize_with = "or_default")]
    pub(super) tcp_addr: String,
    /// HTTP addresses of the meta nodes that a data node knows. It knows none before it joins and
    /// after it has left.
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

    /// Whether the node with this Raft address is the leader.
    pub(super) fn is_leader(&self, raft_address: &str) -> bool {
        !self.leader.is_empty() && self.leader == raft_address
    }

    /// HTTP address that the node advertises.
    pub(super) fn advertised(&self) -> Option<Address> {
        Address::parse(&self.http_addr, META_HTTP_PORT).ok()
    }
}

/// Reads `null` as the default value: Go writes it for an empty list or map.
pub(super) fn or_default<'de, D, T>(d: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

/// Answer of `GET /healthz`, which only our meta nodes have.
#[derive(Debug, Deserialize)]
struct Health {
    phase: Phase,
}

/// Whether the node at `at`, which has this status, belongs to a cluster. A member may know no
/// leader.
pub(super) async fn is_in_cluster(session: &Session, at: &Address, status: &Status) -> bool {
    !status.leader.is_empty()
        || matches!(
            phase(session, at).await,
            Some(Phase::Started | Phase::Joining | Phase::Member)
        )
}

/// Whether the node was removed from its cluster.
pub(super) async fn is_removed(session: &Session, at: &Address) -> bool {
    phase(session, at).await == Some(Phase::Removed)
}

/// Phase of the node; `None` if it does not answer, or is another program.
async fn phase(session: &Session, at: &Address) -> Option<Phase> {
    let health: Result<Health, CallError> = session
        .get_json_once(at, "/healthz", Session::OPTIONAL_TIMEOUT)
        .await;
    health.ok().map(|health| health.phase)
}

/// Reads a value from the JSON that our server writes.
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

    /// Every field is spelled as our server spells it.
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
