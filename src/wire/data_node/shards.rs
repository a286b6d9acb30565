//! Shards of a data node, as JSON inside the answer to `ListShards`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RpcFrameError;
use crate::base::NodeId;

/// Shards of a node, by shard id.
pub type Shards = BTreeMap<u64, ShardOwnerInfo>;

/// Copy of a shard, as its node reports it; also an element of `owners` in `/show-shards`:
/// `{"id":5,"tcpAddr":"d1:8088","state":"hot","last-modified":"2026-11-23T03:34:20.006830624Z",
/// "size":16865,"err":""}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardOwnerInfo {
    /// Id of the data node.
    pub id: NodeId,
    #[serde(rename = "tcpAddr", default)]
    pub tcp_addr: String,
    /// `hot`, `cold`, or empty when it is not known.
    #[serde(default)]
    pub state: String,
    /// RFC 3339, as the data node wrote it; `0001-01-01T00:00:00Z` when unknown.
    #[serde(rename = "last-modified", default = "never")]
    pub last_modified: String,
    /// Size in bytes.
    #[serde(default)]
    pub size: i64,
    /// Reason why the other fields are not known; empty when they are.
    #[serde(default)]
    pub err: String,
}

fn never() -> String {
    "0001-01-01T00:00:00Z".to_owned()
}

/// Encodes shards. Keys are sorted as texts, as Go writes a map.
pub(super) fn encode(shards: &Shards) -> Vec<u8> {
    let by_text: BTreeMap<String, &ShardOwnerInfo> = shards
        .iter()
        .map(|(id, info)| (id.to_string(), info))
        .collect();
    // Never fails: the keys are strings.
    serde_json::to_vec(&by_text).unwrap_or_default()
}

/// Decodes shards. `null` means that the node holds none.
pub(super) fn decode(json: &[u8]) -> Result<Shards, RpcFrameError> {
    let decoded: Option<Shards> =
        serde_json::from_slice(json).map_err(|error| RpcFrameError::Shards(error.to_string()))?;
    Ok(decoded.unwrap_or_default())
}
