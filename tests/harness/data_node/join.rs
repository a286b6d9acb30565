//! Joining a cluster and leaving it, as a meta node asks for it on 8088 (wire.md 10.4).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::command;
use super::data::{Data, Node};
use super::http::Ask;
use super::state::{Over, Shared};

const BETWEEN: Duration = Duration::from_secs(1);

/// Fields of a meta node's `/status` that matter here.
#[derive(Deserialize)]
struct Status {
    leader: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

impl Shared {
    pub fn join(&self, servers: Vec<String>, update: bool) -> Result<Node, String> {
        let Some(first) = servers.first().cloned() else {
            return Err("empty meta servers".to_owned());
        };
        let (known, shown) = (self.look(|state| state.servers.clone()), servers.join(" "));
        if !known.is_empty() && !known.iter().any(|server| servers.contains(server)) {
            return Err("already joined to cluster".to_owned());
        }
        self.set_servers(servers);
        if self.status_of(&first)?.leader.is_empty() {
            return Err(format!("no leader in meta servers: [{shown}]"));
        }
        if update {
            let within = Some(self.options.patience);
            let there = self.wait(within, |state| self.own_node(&state.data));
            return there
                .map_err(|_| "unable to update data node, timed out: node not found".to_owned());
        }
        self.be_created()
    }

    fn be_created(&self) -> Result<Node, String> {
        let joined = self.look(|state| {
            state
                .data
                .data_nodes
                .iter()
                .find(|node| node.id != 0 && node.id == state.node_id)
                .cloned()
        });
        if let Some(node) = joined {
            return Ok(node);
        }
        let start = Instant::now();
        loop {
            let create = command::create_data_node(&self.options.http_addr, &self.tcp_addr);
            let created = self.execute(&create).and_then(|_| {
                self.look(|state| self.own_node(&state.data))
                    .ok_or_else(|| "node not found".to_owned())
            });
            match created {
                Err(error) if start.elapsed() >= self.options.patience => {
                    return Err(format!("unable to create data node, timed out: {error}"));
                }
                Err(_) if self.look(|state| state.stopped) => return Err(Over::Stopped.to_string()),
                Err(_) => self.sleep(BETWEEN),
                done => return done,
            }
        }
    }

    /// Forgets the cluster once the cluster has forgotten this node, or the time for that is over.
    pub fn leave(&self) {
        let within = Some(self.options.patience);
        let _either_way = self.wait(within, |state| {
            self.own_node(&state.data).is_none().then_some(())
        });
        self.change(|state| {
            // A poll that is still under way must not bring the list back.
            state.life += 1;
            self.set_servers_in(state, Vec::new());
        });
    }

    /// Closes and deletes everything, and begins anew; runs after the answer is sent.
    pub fn reset(&self) {
        self.sockets.hang_up();
        self.set_shards(|held| held.clear());
        self.change(|state| {
            state.node_id = 0;
            state.data = Arc::default();
        });
    }

    fn status_of(&self, server: &str) -> Result<Status, String> {
        let answer = self.http.follow(server, Ask::get("/status"))?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body).map_err(|error| error.to_string());
        }
        match serde_json::from_slice::<ErrorBody>(&answer.body) {
            Ok(body) => Err(body.error),
            Err(error) => Err(error.to_string()),
        }
    }

    fn own_node(&self, data: &Data) -> Option<Node> {
        data.node_by_tcp(&self.tcp_addr).cloned()
    }
}
