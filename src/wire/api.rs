//! JSON bodies of the HTTP API (wire.md 6.0). Field names are the wire's; nothing is left out when empty.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `POST /announce` (wire.md 8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Announcement {
    pub tcp_addr: String,
    pub http_addr: String,
    pub http_scheme: String,
    /// RFC 3339; `0001-01-01T00:00:00Z` when unset.
    pub time: String,
    /// `data` or `meta`.
    pub node_type: String,
    pub status: String,
    pub context: Option<AnnouncementContext>,
    pub version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnouncementContext {
    /// By `tcpAddr`; null entries are ignored.
    pub gossip: BTreeMap<String, Option<Announcement>>,
}
