//! Announcements to meta nodes (wire.md 8).

use std::time::Duration;

use serde::Serialize;

use super::http::Ask;
use super::state::Shared;

const EVERY: Duration = Duration::from_secs(3);

/// Fields in the order in which Go writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Announcement<'a> {
    tcp_addr: &'a str,
    http_addr: &'a str,
    http_scheme: &'a str,
    time: &'a str,
    node_type: &'a str,
    status: &'a str,
    context: Option<()>,
    version: &'a str,
}

impl Shared {
    /// Announces this node until it stops.
    pub fn announce(&self) {
        while !self.look(|state| state.stopped) {
            let body = self.announcement();
            // The first meta node that answers at all informs the others.
            let answered = self
                .look(|state| state.servers.clone())
                .iter()
                .any(|server| {
                    let body = Some(("application/json", body.as_bytes()));
                    let ask = Ask {
                        method: "POST",
                        target: "/announce",
                        agent: "InfluxDB DataNode",
                        body,
                    };
                    self.http.follow(server, ask).is_ok()
                });
            if answered {
                self.change(|state| state.announced += 1);
            }
            self.sleep(EVERY);
        }
    }

    pub fn announcement(&self) -> String {
        let announcement = Announcement {
            tcp_addr: &self.tcp_addr,
            http_addr: &self.options.http_addr,
            http_scheme: "http",
            time: "0001-01-01T00:00:00Z",
            node_type: "data",
            status: "joined",
            context: None,
            version: &self.options.version,
        };
        serde_json::to_string(&announcement).expect("JSON")
    }
}
