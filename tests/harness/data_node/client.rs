//! The meta client inside a data node: the long poll, commands, leases (wire.md 4.7, wire.md 5.2,
//! wire.md 9).

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::command::Response;
use super::data::Data;
use super::http::{Answer, Ask, META_CLIENT};
use super::state::{Over, Shared};

/// Delay after an error.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Number of attempts for one command, the first one included.
const ATTEMPTS: usize = 11;

/// A work lease: `{"name":"continuous_querier","expiration":"…","owner":3}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Lease {
    pub name: String,
    pub expiration: String,
    pub owner: u64,
}

impl Shared {
    /// Waits, without a time limit, for the first `Data`, before anything else is served, if the
    /// node knows meta servers.
    pub fn open(&self) {
        if let Some(data) = self.retry_until_snapshot() {
            self.change(|state| {
                state.node_id = data.node_by_tcp(&self.tcp_addr).map_or(0, |node| node.id);
                state.data = data;
            });
        }
    }

    /// Runs the background poll until the node stops.
    pub fn poll(&self) {
        while !self.look(|state| state.stopped) {
            let life = self.look(|state| state.life);
            match self.retry_until_snapshot() {
                Some(data) => self.adopt(life, data),
                None => self.sleep(AFTER_ERROR),
            }
        }
    }

    /// Asks the servers in turn, from the first one on, until one answers. `None` if none are
    /// known, or if the node has left its cluster meanwhile.
    fn retry_until_snapshot(&self) -> Option<Arc<Data>> {
        let (life, index) = self.look(|state| (state.life, state.data.index));
        for turn in 0.. {
            let server = self.look(|state| {
                let goes_on = !state.stopped && state.life == life && !state.servers.is_empty();
                goes_on.then(|| state.servers[turn % state.servers.len()].clone())
            })?;
            match self.snapshot(&server, index) {
                Ok(data) => return Some(Arc::new(data)),
                Err(_) => self.sleep(AFTER_ERROR),
            }
        }
        None
    }

    fn snapshot(&self, server: &str, index: u64) -> Result<Data, String> {
        let answer = self
            .http
            .follow(server, Ask::get(&format!("/?index={index}")))?;
        if answer.status != 200 {
            return Err(format!("meta server returned non-200: {}", answer.status));
        }
        let read = Data::read(&answer.body);
        if let Err(error) = &read {
            self.complain(format!("unreadable Data from {server}: {error}"));
        }
        read
    }

    /// Takes over this `Data`, also an older one, and one without meta nodes.
    fn adopt(&self, life: u64, data: Arc<Data>) {
        let servers: Vec<String> = data
            .meta_nodes
            .iter()
            .map(|node| node.addr.clone())
            .collect();
        self.change(|state| {
            if state.life == life {
                state.node_id = data.node_by_tcp(&self.tcp_addr).map_or(0, |node| node.id);
                state.data = data;
                self.set_servers_in(state, servers);
            }
        });
    }

    /// Posts a command until a server answers it, then waits until the poll has brought its effect.
    pub fn execute(&self, command: &[u8]) -> Result<u64, String> {
        let life = self.look(|state| state.life);
        let mut attempt = 0;
        let response = loop {
            attempt += 1;
            match self.execute_once(command, attempt - 1) {
                Ok(response) => break response,
                Err(error) if attempt >= ATTEMPTS => return Err(error),
                Err(_) => self.sleep(AFTER_ERROR),
            }
            if self.look(|state| state.stopped || state.life != life) {
                return Err(Over::Stopped.to_string());
            }
        };
        if !response.error.is_empty() {
            return Err(response.error);
        }
        let there = self.wait(None, |state| {
            (state.life != life || state.data.index >= response.index).then_some(state.life == life)
        });
        match there {
            Ok(true) => Ok(response.index),
            _ => Err(Over::Stopped.to_string()),
        }
    }

    fn execute_once(&self, command: &[u8], turn: usize) -> Result<Response, String> {
        let server = self.look(|state| {
            (!state.servers.is_empty()).then(|| state.servers[turn % state.servers.len()].clone())
        });
        let server = server.ok_or("no meta servers")?;
        let body = Some(("application/octet-stream", command));
        let ask = Ask {
            method: "POST",
            target: "/execute",
            agent: META_CLIENT,
            body,
        };
        let answer = self.http.follow(&server, ask)?;
        if answer.status != 200 {
            return Err(format!("meta service returned {}", answer.status));
        }
        let read = Response::read(&answer.body);
        if let Err(error) = &read {
            self.complain(format!("unreadable Response from {server}: {error}"));
        }
        read
    }

    /// Asks the first server only. A 503 is retried, each time after ten times the last delay.
    pub fn acquire_lease(&self, name: &str) -> Result<Lease, String> {
        let (server, id) = self.look(|state| (state.servers.first().cloned(), state.node_id));
        let server = server.ok_or("no meta servers")?;
        let target = format!("/lease?name={name}&nodeid={id}");
        let mut answer = self.http.follow(&server, Ask::get(&target))?;
        for power in 1..=10 {
            if answer.status != 503 || self.look(|state| state.stopped) {
                break;
            }
            self.sleep(Duration::from_millis(10_u64.pow(power)));
            answer = self.http.follow(&server, Ask::get(&target))?;
        }
        let lease = |answer: &Answer| {
            serde_json::from_slice(&answer.body).map_err(|error| error.to_string())
        };
        match answer.status {
            200 => lease(&answer),
            409 => {
                lease(&answer).and_then(|_: Lease| Err("another node owns the lease".to_owned()))
            }
            400 => Err(format!("meta service: {}", answer.text())),
            500 => Err("meta service internal error".to_owned()),
            _ => Err("unrecognized meta service error".to_owned()),
        }
    }
}
