//! Data nodes with real meta nodes: the model of `harness/data_node` on loopback addresses of its
//! own, and the requests that `influxd-ctl` and curl send.

mod add;
mod auto_add;
mod copy_shard;
mod drain;
mod faults;
mod leases;
mod life;
mod passive;
mod remove;
mod remove_shard;
mod restored;
mod show_shards;
mod update;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::harness::data_node::{Data, DataNode, Options, command, data, shards};
use crate::harness::http::{self, Response};
use crate::harness::node::{AT_LAST, Node, Nodes};
use crate::harness::wait_for;
use crate::harness::writers::Writers;

/// Meta nodes and data nodes on one network of loopback addresses. A message of a meta node that a
/// data node did not understand fails the test.
pub struct Stack {
    pub meta: Nodes,
    data: Vec<Option<DataNode>>,
}

impl Stack {
    /// Starts three meta nodes, which are ready, and so many data nodes that belong to no cluster.
    pub fn of(data: usize) -> Self {
        Self::beside(Nodes::formed(3), data)
    }

    pub fn beside(meta: Nodes, data: usize) -> Self {
        let mut stack = Self {
            meta,
            data: Vec::new(),
        };
        for n in 0..data {
            stack.data.push(None);
            stack.start_data(n);
        }
        stack
    }

    /// Like `of`, with the data nodes as members with the ids 4, 5, …
    pub fn joined(data: usize) -> Self {
        let stack = Self::of(data);
        stack.add_all();
        stack
    }

    #[track_caller]
    pub fn add_all(&self) {
        for node in self.data_nodes() {
            self.done("/add-data", &[("addr", &node.tcp_addr())]);
        }
        let count = self.data_nodes().count();
        for node in self.data_nodes() {
            node.wait_for("all data nodes", AT_LAST, |data| {
                data.data_nodes.len() == count
            });
        }
    }

    pub fn data(&self, n: usize) -> &DataNode {
        self.data[n].as_ref().expect("a running data node")
    }

    pub fn data_nodes(&self) -> impl Iterator<Item = &DataNode> {
        self.data.iter().flatten()
    }

    fn ip(&self, n: usize) -> Ipv4Addr {
        let [a, b, c, _] = self.meta.all[0].ip.octets();
        Ipv4Addr::new(a, b, c, 101 + n as u8)
    }

    pub fn tcp(&self, n: usize) -> String {
        SocketAddr::from((self.ip(n), 8088)).to_string()
    }

    fn dir(&self, n: usize) -> PathBuf {
        self.meta.folder().join(format!("data-{n}"))
    }

    /// Kills a data node, as SIGKILL would as far as the model can.
    pub fn kill_data(&mut self, n: usize) {
        let killed = self.data[n].take().expect("a running data node");
        assert_eq!(killed.complaints(), [""; 0], "{}", killed.tcp_addr());
    }

    /// Starts a data node with what it has on disk; a new one has nothing.
    pub fn start_data(&mut self, n: usize) {
        self.start_data_as(n, None);
    }

    /// Starts a data node that calls itself by this address.
    pub fn start_data_as(&mut self, n: usize, tcp_addr: Option<&str>) {
        let mut options = Options::at(&self.dir(n), IpAddr::V4(self.ip(n)));
        // Longer than an election on a busy machine, as the 10 s of a real data node are longer
        // than one on an idle machine.
        options.patience = AT_LAST;
        options.tcp_addr = tcp_addr.map(str::to_owned);
        if n == self.data.len() {
            self.data.push(None);
        }
        self.data[n] = Some(DataNode::start(options));
    }

    /// Deletes the disk of a data node that does not run.
    pub fn wipe_data(&self, n: usize) {
        assert!(self.data[n].is_none(), "kill it first");
        std::fs::remove_dir_all(self.dir(n)).expect("wiped");
    }

    pub fn leader(&self) -> usize {
        self.meta.leader()
    }

    pub fn follower(&self) -> usize {
        (self.leader() + 1) % self.meta.all.len()
    }

    /// Posts a form as `influxd-ctl` does: at any meta node, and after a redirect at the leader.
    #[track_caller]
    pub fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let node = self
            .meta
            .all
            .iter()
            .find(|node| node.is_running())
            .expect("a running meta node");
        ask(node, path, fields)
    }

    /// Like `ask`; the request must succeed.
    #[track_caller]
    pub fn done(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let answer = self.ask(path, fields);
        assert!(
            matches!(answer.status, 200 | 204),
            "{path} {fields:?}: {} {}",
            answer.status,
            answer.text()
        );
        answer
    }

    /// Like `ask`; the request must be refused with this status and text.
    #[track_caller]
    pub fn refused(&self, path: &str, fields: &[(&str, &str)], status: u16, text: &str) {
        let answer = self.ask(path, fields);
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (status, text),
            "{path} {fields:?}"
        );
    }

    /// Waits until all running meta nodes have the same `Data`, checks that each data node that
    /// belongs to the cluster has it too, and returns it.
    #[track_caller]
    pub fn settled(&self) -> Data {
        self.meta.wait_equal();
        let node = self
            .meta
            .all
            .iter()
            .find(|node| node.is_running())
            .expect("a running meta node");
        let body = node.get("/?index=0").expect("a snapshot").body;
        let data = Data::read(&body).expect("readable");
        for node in self
            .data_nodes()
            .filter(|node| !node.meta_servers().is_empty())
        {
            let cached = node.wait_for("the same catalog", AT_LAST, |cached| {
                cached.index >= data.index
            });
            assert_eq!(*cached, data, "{}", node.tcp_addr());
        }
        data
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for node in self.data_nodes() {
            if std::thread::panicking() {
                let heard = node.heard();
                eprintln!(
                    "{}: {:?}, heard {heard:?}",
                    node.tcp_addr(),
                    node.complaints()
                );
            } else {
                assert_eq!(node.complaints(), [""; 0], "{}", node.tcp_addr());
            }
        }
    }
}

pub const HOUR: i64 = 3600 * 1_000_000_000;

/// A retention policy of unlimited duration.
pub fn policy(replica_n: u32) -> command::Policy<'static> {
    command::Policy {
        name: "rp",
        duration: 0,
        shard_group_duration: 0,
        replica_n,
    }
}

impl Stack {
    /// Lets the first data node create a database with shards of so many owners and write a point.
    /// Returns the group.
    #[track_caller]
    pub fn group(&self, database: &str, replica_n: u32) -> data::ShardGroup {
        let node = self.data(0);
        node.execute(&command::create_database(
            database,
            Some(&policy(replica_n)),
        ))
        .expect("a database");
        node.write(database, "", shards::unix_nanos())
            .expect("a point")
    }

    /// Makes a shard of which the first data node has the only copy, with a point in it.
    #[track_caller]
    pub fn lone_shard(&self, database: &str) -> u64 {
        let group = self.group(database, 1);
        let own = |shard: &&data::Shard| shard.owners == [self.data(0).id()];
        group
            .shards
            .iter()
            .find(own)
            .expect("a shard of its own")
            .id
    }

    /// Returns the owners of a shard; `None` if there is no such shard.
    #[track_caller]
    pub fn owners(&self, shard: u64) -> Option<Vec<u64>> {
        let data = self.settled();
        let policies = data
            .databases
            .iter()
            .flat_map(|database| &database.retention_policies);
        let mut shards = policies
            .flat_map(|policy| &policy.shard_groups)
            .flat_map(|group| &group.shards);
        shards
            .find(|found| found.id == shard)
            .map(|found| found.owners.clone())
    }

    /// Freezes a meta node, and waits until the others have another leader.
    #[track_caller]
    pub fn freeze(&self, n: usize) {
        self.meta.all[n].signal("STOP");
        let others = (0..self.meta.all.len()).filter(|other| *other != n);
        let writers = Writers::start(1, others.map(|other| self.meta.all[other].http()).collect());
        writers.wait_progress();
        writers.finish();
    }

    /// Reads as `influxd-ctl` does: at any meta node, and after a redirect at the leader.
    #[track_caller]
    pub fn look(&self, path: &str) -> Response {
        let node = self
            .meta
            .all
            .iter()
            .find(|node| node.is_running())
            .expect("a running meta node");
        let answer = node.get(path).expect("an answer");
        let answer = match answer.status {
            307 => http::get(leader_of(&answer, path), path).expect("an answer of the leader"),
            _ => answer,
        };
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }
}

/// Text of an answer with status 400 or above.
pub fn error(answer: &Response) -> String {
    answer.json()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Posts a form, and again at the leader if the answer is a redirect.
#[track_caller]
pub fn ask(node: &Node, path: &str, fields: &[(&str, &str)]) -> Response {
    let at = node.http();
    let mut answer = post_form(at, &at.to_string(), path, fields).expect("an answer");
    if answer.status == 307 {
        let to = leader_of(&answer, path);
        answer = post_form(to, &to.to_string(), path, fields).expect("an answer of the leader");
    }
    answer
}

fn leader_of(redirect: &Response, path: &str) -> SocketAddr {
    let location = redirect.header("location").expect("a Location");
    let host = location
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix(path));
    host.and_then(|host| host.parse().ok())
        .unwrap_or_else(|| panic!("Location {location:?}"))
}

/// Longer than any operation of these tests may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn post_form(
    at: SocketAddr,
    host: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> Result<Response, String> {
    let mut stream = http::send(at, &form_head(host, path), form(fields).as_bytes())?;
    http::receive(at, &mut stream, PATIENCE)
}

pub fn form_head(host: &str, path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n"
    )
}

pub fn form(fields: &[(&str, &str)]) -> String {
    // Nothing in these forms needs to be escaped.
    fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// Data nodes that this meta node shows.
pub fn shown(node: &Node) -> Vec<Value> {
    let shown = node.get("/show-cluster").expect("an answer").json();
    shown["data"].as_array().cloned().unwrap_or_default()
}
