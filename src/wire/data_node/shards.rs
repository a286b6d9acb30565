//! What a data node holds, as JSON inside the answer to `ListShards`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FrameError;
use crate::base::NodeId;

/// By shard id.
pub type Shards = BTreeMap<u64, ShardOwnerInfo>;

/// One copy of a shard, as the node that holds it sees it; also an element of `owners` in
/// `/show-shards`:
/// `{"id":5,"tcpAddr":"d1:8088","state":"hot","last-modified":"2026-11-23T03:34:20.006830624Z","size":16865,"err":""}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardOwnerInfo {
    /// The data node's.
    pub id: NodeId,
    #[serde(rename = "tcpAddr", default)]
    pub tcp_addr: String,
    /// `hot`, `cold`, or empty when it could not be told.
    #[serde(default)]
    pub state: String,
    /// RFC 3339, as the data node wrote it; `0001-01-01T00:00:00Z` when unknown.
    #[serde(rename = "last-modified", default = "never")]
    pub last_modified: String,
    /// In bytes.
    #[serde(default)]
    pub size: i64,
    /// Why the rest is not known; empty when it is.
    #[serde(default)]
    pub err: String,
}

fn never() -> String {
    "0001-01-01T00:00:00Z".to_owned()
}

/// Keys in the order of their digits, as Go writes a map.
pub(super) fn encode(shards: &Shards) -> Vec<u8> {
    let by_text: BTreeMap<String, &ShardOwnerInfo> = shards
        .iter()
        .map(|(id, info)| (id.to_string(), info))
        .collect();
    // A map of texts and numbers is always JSON.
    serde_json::to_vec(&by_text).unwrap_or_default()
}

/// A node that holds nothing may say so with `null`.
pub(super) fn decode(json: &[u8]) -> Result<Shards, FrameError> {
    let decoded: Option<Shards> =
        serde_json::from_slice(json).map_err(|error| FrameError::Shards(error.to_string()))?;
    Ok(decoded.unwrap_or_default())
}
