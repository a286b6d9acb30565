//! Status of a data node over HTTP.

use serde::{Deserialize, Serialize};

/// `GET /status` on 8088:
/// `{"nodeType":"data","hostname":"d1","tcpBind":":8088","tcpAddr":"d1:8088",
/// "httpAddr":"d1:8086","nodeStatus":"joined","metaAddrs":["m1:8091"]}`. Absent fields are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataNodeStatus {
    /// `data`.
    pub node_type: String,
    pub hostname: String,
    /// Address on which it listens: `:8088`.
    pub tcp_bind: String,
    /// Its address in the catalog.
    pub tcp_addr: String,
    pub http_addr: String,
    /// `joined` or `disjoined`.
    pub node_status: String,
    /// `null` before the first join.
    pub meta_addrs: Option<Vec<String>>,
}

impl DataNodeStatus {
    pub fn is_joined(&self) -> bool {
        self.node_status == "joined"
    }
}
