//! A stand-in for a meta node, on real sockets: it serves a catalog, creates what the model asks
//! for, or follows a script, and records its requests.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::model::data::{Data, Database, Node, RetentionPolicy, Shard, ShardGroup};
use super::model::proto::{Message, Writer};

/// Longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Meta {
    pub(super) local: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Address of this node.
    addr: String,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    stopped: bool,
    leader: String,
    data: Data,
    /// Scripted answers by path, used before the stand-in's own.
    scripts: Vec<(&'static str, VecDeque<Reply>)>,
    asked: Vec<Asked>,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Method and path: `GET /?index=5`.
    pub(super) what: String,
    /// Headers as `name: value`, as sent.
    pub(super) headers: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find_map(|header| header.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[derive(Clone)]
pub(super) enum Reply {
    Status(u16, &'static str),
    /// Status 200 with these bytes.
    Bytes(Vec<u8>),
    Redirect(String),
    HangUp,
}

impl Meta {
    /// Starts a node that knows itself as the only meta node, and one database with a policy.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let local = listener.local_addr().expect("bound");
        let me = Node {
            id: 1,
            addr: local.to_string(),
            tcp_addr: "127.0.0.1:8089".to_owned(),
        };
        let data = Data {
            term: 1,
            index: 5,
            cluster_id: 7,
            databases: vec![database()],
            max_node_id: 3,
            meta_nodes: vec![me],
            ..Data::default()
        };
        let leader = "127.0.0.1:8089".to_owned();
        let state = State {
            stopped: false,
            leader,
            data,
            scripts: Vec::new(),
            asked: Vec::new(),
        };
        let shared = Arc::new(Shared {
            addr: local.to_string(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.state.lock().expect("no panic").stopped {
                    return;
                }
                let shared = accepting.clone();
                thread::spawn(move || serve(&shared, stream));
            }
        });
        Self { local, shared }
    }

    pub(super) fn addr(&self) -> String {
        self.shared.addr.clone()
    }

    /// Changes the catalog; its index moves on.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Data) -> T) -> T {
        self.set(|state| {
            state.data.index += 1;
            change(&mut state.data)
        })
    }

    pub(super) fn set_leader(&self, leader: &str) {
        self.set(|state| state.leader = leader.to_owned());
    }

    /// Gives these answers to the next requests of this path.
    pub(super) fn script(&self, path: &'static str, replies: Vec<Reply>) {
        self.set(|state| state.scripts.push((path, replies.into())));
    }

    /// Requests on this path so far.
    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        let state = self.shared.state.lock().expect("no panic");
        state
            .asked
            .iter()
            .filter(|asked| path_of(&asked.what) == path)
            .cloned()
            .collect()
    }

    /// Waits until this path was requested this often.
    #[track_caller]
    pub(super) fn wait_asked(&self, path: &str, times: usize) -> Vec<Asked> {
        let state = self.shared.state.lock().expect("no panic");
        let enough = |state: &mut State| {
            state
                .asked
                .iter()
                .filter(|asked| path_of(&asked.what) == path)
                .count()
                < times
        };
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, enough)
            .expect("no panic");
        assert!(
            !waited.timed_out(),
            "{path} was not asked {times} times: {:?}",
            state.asked
        );
        drop(state);
        self.asked(path)
    }

    fn set<T>(&self, set: impl FnOnce(&mut State) -> T) -> T {
        // Also after a failed test, so that the threads end.
        let done = set(&mut self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.notify_all();
        done
    }
}

/// All waiting requests are released, and no new one is answered.
impl Drop for Meta {
    fn drop(&mut self) {
        self.set(|state| state.stopped = true);
        let _woken = TcpStream::connect(self.local);
    }
}

fn database() -> Database {
    let policy = RetentionPolicy {
        name: "autogen".to_owned(),
        duration: 0,
        shard_group_duration: 1000,
        replica_n: 1,
        shard_groups: Vec::new(),
        subscriptions: Vec::new(),
    };
    Database {
        name: "db".to_owned(),
        default_retention_policy: "autogen".to_owned(),
        retention_policies: vec![policy],
        continuous_queries: Vec::new(),
    }
}

fn path_of(what: &str) -> &str {
    let target = what.split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default()
}

fn serve(shared: &Shared, stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let answer = match answer(shared, &asked) {
            Some(Reply::Status(status, body)) => head(status, "", body.len()) + body,
            Some(Reply::Redirect(location)) => head(307, &format!("Location: {location}\r\n"), 0),
            Some(Reply::Bytes(bytes)) => {
                let head = head(200, "", bytes.len()).into_bytes();
                if reader.get_mut().write_all(&[head, bytes].concat()).is_err() {
                    return;
                }
                continue;
            }
            Some(Reply::HangUp) | None => return,
        };
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn head(status: u16, headers: &str, length: usize) -> String {
    format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n\r\n")
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let what = lines.remove(0).strip_suffix(" HTTP/1.1")?.to_owned();
    let mut asked = Asked {
        what,
        headers: lines,
        body: Vec::new(),
    };
    let length = asked
        .header("Content-Length")
        .map_or(0, |length| length.parse().expect("a length"));
    asked.body.resize(length, 0);
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

/// Answer to a request; `None` when the node stops.
fn answer(shared: &Shared, asked: &Asked) -> Option<Reply> {
    let path = path_of(&asked.what);
    let mut state = shared.state.lock().expect("no panic");
    // Under the same lock as taking the answer: once a test sees the request, a later script does
    // not apply to it.
    state.asked.push(asked.clone());
    shared.changed.notify_all();
    let scripts = state.scripts.iter_mut().filter(|(of, _)| *of == path);
    if let Some(reply) = scripts
        .filter_map(|(_, replies)| replies.pop_front())
        .next()
    {
        return Some(reply);
    }
    match path {
        "/status" => {
            let status = format!(
                "{{\"nodeType\":\"meta\",\"leader\":\"{}\",\"peers\":null}}",
                state.leader
            );
            Some(Reply::Bytes(status.into_bytes()))
        }
        "/execute" => {
            state.data.index += 1;
            create(&mut state.data, &asked.body);
            let index = state.data.index;
            shared.changed.notify_all();
            Some(Reply::Bytes(
                Writer::default().flag(1, true).number(3, index).done(),
            ))
        }
        "/announce" => Some(Reply::Status(204, "")),
        "/" => {
            let index: u64 = asked
                .what
                .split("index=")
                .nth(1)
                .expect("an index")
                .parse()
                .expect("a number");
            let parked = |state: &mut State| !state.stopped && state.data.index <= index;
            let state = shared.changed.wait_while(state, parked).expect("no panic");
            (!state.stopped).then(|| Reply::Bytes(state.data.write()))
        }
        _ => Some(Reply::Status(404, "404 page not found\n")),
    }
}

/// Creates data nodes, and shard groups of two shards each that are owned by all data nodes.
fn create(data: &mut Data, command: &[u8]) {
    let command = Message::read(command).expect("a command");
    let nodes = command.all(125, "", |node| {
        Ok((node.need_text(1, "")?, node.need_text(2, "")?))
    });
    for (addr, tcp_addr) in nodes.expect("CreateDataNode") {
        data.max_node_id += 1;
        data.data_nodes.push(Node {
            id: data.max_node_id,
            addr,
            tcp_addr,
        });
    }
    for start in command
        .all(109, "", |group| group.need_number(3, ""))
        .expect("CreateShardGroup")
    {
        let owners: Vec<u64> = data.data_nodes.iter().map(|node| node.id).collect();
        let mut shard = || {
            data.max_shard_id += 1;
            Shard {
                id: data.max_shard_id,
                owners: owners.clone(),
            }
        };
        let shards = vec![shard(), shard()];
        data.max_shard_group_id += 1;
        let (id, start) = (data.max_shard_group_id, start as i64);
        let group = ShardGroup {
            id,
            start,
            end: start + 1000,
            deleted_at: 0,
            shards,
            truncated_at: 0,
        };
        data.databases[0].retention_policies[0]
            .shard_groups
            .push(group);
    }
}
