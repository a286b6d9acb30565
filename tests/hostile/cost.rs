//! Cost of one command: three nodes with 64 MiB of memory are sent the worst commands that
//! are taken, and some that are not. Beside it, restores that are far larger than one command.

use std::net::SocketAddr;
use std::time::Duration;

use crate::harness::docker::{Container, Image, Network, docker};
use crate::harness::{http, wait_for, wire};

/// Limit for a restore to be answered.
const RESTORE_LIMIT: Duration = Duration::from_secs(600);

/// Reasons of refusals: a restore whose parts need more memory than there is, any other command
/// that needs more than one may, and a body that the node would not even read.
const NO_MEMORY: &str = "the restore needs up to ";
const OVER_BUDGET: &str = "the command needs ";
const NO_BODY: &str = "the body is larger than ";

struct Cluster {
    nodes: Vec<Container>,
    _network: Network,
}

impl Cluster {
    /// Three nodes with so much memory each, and no swap.
    fn formed(image: &Image, memory: &str) -> Self {
        let network = Network::new();
        let nodes = (1..=3).map(|n| {
            let alias = format!("meta-{n}");
            let options = [
                ["--network", &network.0],
                ["--network-alias", &alias],
                ["--hostname", &alias],
                ["-p", "127.0.0.1::8091"],
                ["-e", "INFLUXDB_META_PEERS=meta-1,meta-2,meta-3"],
                ["-m", memory],
                ["--memory-swap", memory],
            ];
            Container::start(image, &alias, &options.concat(), &[])
        });
        let cluster = Self {
            nodes: nodes.collect(),
            _network: network,
        };
        cluster.nodes.iter().for_each(Container::wait_ready);
        cluster
    }

    fn http(&self, node: usize) -> SocketAddr {
        let port = docker(&["port", &self.nodes[node].name, "8091/tcp"]);
        port.parse().expect("a published address")
    }

    /// Sends a command to each node in turn, until one answers other than 503.
    fn execute(&self, command: &[u8]) -> http::Response {
        let mut answers = Vec::new();
        for _ in 0..10 {
            for node in 0..3 {
                let at = self.http(node);
                let host = at.to_string();
                let sent = http::request(at, "POST", "/execute", &host, command, RESTORE_LIMIT);
                match sent {
                    Ok(answer) if answer.status != 503 => return answer,
                    other => answers.push(format!("{other:?}")),
                }
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        panic!("no answer: {answers:#?}");
    }

    fn index(&self) -> u64 {
        self.nodes.iter().for_each(Container::wait_ready);
        let body = http::get(self.http(0), "/?index=0")
            .expect("a catalog")
            .body;
        wire::data(&body).index
    }

    /// Checks that each node runs since its start, serves, and executes commands.
    fn assert_alive(&self, after: &str) {
        for (number, node) in self.nodes.iter().enumerate() {
            let state = node.inspect("{{.State.Running}} {{.State.OOMKilled}} {{.RestartCount}}");
            assert_eq!(state, "true false 0", "{} after {after}", node.name);
            let health = http::get(self.http(number), "/healthz").expect("an answer");
            assert_eq!(health.status, 200, "{} after {after}", node.name);
        }
        let name = format!("after {after}");
        let answer = self.execute(&wire::create_database(&name));
        assert_eq!(wire::response(&answer.body).err(), None, "after {after}");
    }

    /// Sends a command that must be refused for this reason and no other, and cost no node.
    fn assert_refused(&self, name: &str, command: &[u8], reason: &str) {
        let answer = self.execute(command);
        let text = answer.text();
        assert_eq!(answer.status, 413, "{name}: {text}");
        assert!(text.contains(reason), "{name}: {text}");
        self.assert_alive(name);
    }

    /// Restores this number of shards, in parts, and returns the size of the command.
    fn restore_shards(&self, shards: u64) -> usize {
        let owners = field(3, &number(1, 4));
        let shard = |id| field(5, &[number(1, id), owners.clone()].concat());
        let groups = many(shards, |id| group(id, 0, &shard(id)));
        let content = [database("restored", &groups), database("small", b"")].concat();
        let command = restore(self.index(), &content);
        let answer = self.execute(&command);
        let response = wire::response(&answer.body);
        assert_eq!(response.err(), None, "{}", answer.text());
        command.len()
    }

    /// Returns whether each node has a snapshot.
    fn has_snapshots(&self) -> bool {
        (0..3).all(|node| {
            let body = http::get(self.http(node), "/healthz").expect("health").body;
            let health: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            !health["raft_state"]["snapshot"].is_null()
        })
    }

    /// Waits until each node has so many shards of the database `restored`.
    fn wait_shards(&self, wanted: u64) {
        for node in 0..3 {
            wait_for("the restored databases", Duration::from_secs(120), || {
                let body = http::get(self.http(node), "/?index=0")?.body;
                match wire::shards(&body, "restored") {
                    found if found == wanted => Ok(()),
                    found => Err(format!("{found} shards of {wanted}")),
                }
            });
        }
    }

    /// Returns the most memory that each node's processes have used, in MiB.
    fn peaks(&self) -> Vec<u64> {
        let peak = |node: &Container| {
            let pid = node.inspect("{{.State.Pid}}");
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
            let status = status.unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            kib.unwrap_or(0) / 1024
        };
        self.nodes.iter().map(peak).collect()
    }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let head = [varint(number << 3 | 2), varint(bytes.len() as u64)].concat();
    [&head, bytes].concat()
}

fn command(kind: u64, payload: &[u8]) -> Vec<u8> {
    [field(100 + kind, payload), number(1, kind)].concat()
}

/// A restore from this index.
fn restore(index: u64, content: &[u8]) -> Vec<u8> {
    let head = [number(1, 0), number(2, index), number(3, 0), number(7, 0)].concat();
    let ids = [number(8, 1 << 40), number(9, 1 << 40)].concat();
    command(17, &field(1, &[&head, content, &ids].concat()))
}

fn database(name: &str, groups: &[u8]) -> Vec<u8> {
    let values = [number(2, 0), number(3, 3_600_000_000_000), number(4, 1)].concat();
    let policy = [field(1, b"rp"), values, groups.to_vec()].concat();
    let content = [
        field(1, name.as_bytes()),
        field(2, b"rp"),
        field(3, &policy),
    ]
    .concat();
    field(5, &content)
}

fn group(id: u64, deleted: u64, shards: &[u8]) -> Vec<u8> {
    let span = [number(2, id), number(3, id + 1), number(4, deleted)].concat();
    field(5, &[number(1, id), span, shards.to_vec()].concat())
}

fn many(n: u64, part: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    (1..=n).flat_map(part).collect()
}

#[test]
fn no_command_takes_down_nodes_of_64_mib() {
    let Some(image) = Image::here() else { return };
    let cluster = Cluster::formed(&image, "64m");
    let ignored = |groups: usize| {
        let policy = [field(1, b"rp"), number(2, 0), number(3, 0), number(4, 1)].concat();
        let policy = [policy, field(5, b"").repeat(groups)].concat();
        command(3, &[field(1, b"ignored"), field(2, &policy)].concat())
    };
    let query = |bytes: usize| {
        let query = [
            field(1, b"ignored"),
            field(2, b"q"),
            field(3, &vec![b'q'; bytes]),
        ];
        command(11, &query.concat())
    };
    let users = |users: usize| field(6, b"").repeat(users);
    let groups = |groups: usize| database("d", &field(5, b"").repeat(groups));
    let nodes = |nodes: usize| field(10, b"").repeat(nodes);
    let deleted = database("d", &many(280_000, |id| group(id, 1, b"")));
    // A restore of today's catalog would go in parts.
    let restores = [
        ("3.6 MB of deleted groups", deleted, NO_MEMORY),
        ("6 MB of empty users", users(3 << 20), NO_MEMORY),
        ("4 MB of empty groups", groups(2 << 20), NO_MEMORY),
        ("6 MB of nodes", nodes(3 << 20), NO_MEMORY),
        ("16 MB of empty users", users(8 << 20), NO_BODY),
        ("60 MB of nodes", nodes(30 << 20), NO_BODY),
    ];
    for (name, content, reason) in &restores {
        let index = cluster.index();
        cluster.assert_refused(name, &restore(index, content), reason);
    }
    for (name, command) in [
        ("4 MB of ignored groups", ignored(2_000_000)),
        ("a query of 3 MB", query(3 << 20)),
    ] {
        cluster.assert_refused(name, &command, OVER_BUDGET);
    }
    // The worst that is taken.
    let taken = [
        ("ignored groups", ignored(600_000)),
        ("a query of 1.3 MB", query(1_300_000)),
    ];
    for (name, command) in &taken {
        let answer = cluster.execute(command);
        assert_eq!(wire::response(&answer.body).err(), None, "{name}");
        cluster.assert_alive(name);
    }
    let index = cluster.index();
    let groups = many(7_000, |id| group(id, 0, &field(5, &number(1, id))));
    let answer = cluster.execute(&restore(index, &database("restored", &groups)));
    assert_eq!(
        wire::response(&answer.body).err(),
        None,
        "{}",
        answer.status
    );
    cluster.wait_shards(7_000);
    cluster.assert_alive("a restore of one command");
    println!("peak memory of the nodes: {:?} MiB", cluster.peaks());
}

/// `SOAK=1` restores a million shards.
#[test]
fn a_large_restore_goes_in_parts() {
    let Some(image) = Image::here() else { return };
    let sizes: &[u64] = match std::env::var_os("SOAK") {
        Some(_) => &[100_000, 300_000, 1_000_000],
        None => &[100_000],
    };
    for &shards in sizes {
        let cluster = Cluster::formed(&image, "3g");
        let before = cluster.peaks();
        let started = std::time::Instant::now();
        let bytes = cluster.restore_shards(shards);
        let took = started.elapsed();
        cluster.wait_shards(shards);
        cluster.assert_alive("a large restore");
        println!(
            "{shards} shards, {bytes} bytes, {took:?}: peak memory {before:?} -> {:?} MiB",
            cluster.peaks()
        );
    }
}

/// A member is restarted with less memory than it needs to load its snapshot. Docker restarts it
/// whenever it dies.
#[test]
fn a_member_with_too_little_memory_halts_instead_of_crashing_for_ever() {
    let Some(image) = Image::here() else { return };
    let cluster = Cluster::formed(&image, "3g");
    // A snapshot is due when the log has 16 MiB.
    for _ in 0..20 {
        if cluster.has_snapshots() {
            break;
        }
        cluster.restore_shards(100_000);
    }
    assert!(cluster.has_snapshots());
    let member = &cluster.nodes[2];
    let restart_with = |memory: &str| {
        docker(&["stop", &member.name]);
        let limits = ["-m", memory, "--memory-swap", memory];
        let always = ["update", "--restart", "on-failure"];
        docker(&[&always, &limits[..], &[&member.name]].concat());
        docker(&["start", &member.name]);
    };
    restart_with("24m");
    member.wait_log("died 2 times while it loaded a snapshot");
    let state = member.inspect("{{.State.Running}} {{.RestartCount}}");
    assert_eq!(state, "true 2");
    let live = http::get(cluster.http(2), "/livez").expect("it stays up");
    assert_eq!(live.status, 200);
    let answer = cluster.execute(&wire::create_database("goes on"));
    assert_eq!(wire::response(&answer.body).err(), None);

    // An empty file is no note. The image has no program that deletes files.
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let empty = empty.path().display().to_string();
    let note = format!(
        "{}:/var/lib/influxdb/meta/influxd-meta/loading",
        member.name
    );
    docker(&["cp", &empty, &note]);
    restart_with("3g");
    member.wait_ready();
    cluster.wait_shards(100_000);
}
