//! What a data node says of itself over HTTP.

use serde::{Deserialize, Serialize};

/// `GET /status` on 8088: `{"nodeType":"data","hostname":"d1","tcpBind":":8088","tcpAddr":"d1:8088",
/// "httpAddr":"d1:8086","nodeStatus":"joined","metaAddrs":["m1:8091"]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataNodeStatus {
    /// `data`.
    pub node_type: String,
    #[serde(default)]
    pub hostname: String,
    /// Where it listens: `:8088`.
    #[serde(default)]
    pub tcp_bind: String,
    /// What it calls itself in the catalog.
    pub tcp_addr: String,
    pub http_addr: String,
    /// `joined` or `disjoined`.
    pub node_status: String,
    /// `null` before it ever joined.
    #[serde(default)]
    pub meta_addrs: Option<Vec<String>>,
}

impl DataNodeStatus {
    pub fn is_joined(&self) -> bool {
        self.node_status == "joined"
    }
}
