//! The model as a client of meta nodes: the poll, commands and their retries, leases,
//! announcements.

use std::net::{IpAddr, Ipv4Addr};

use tempfile::TempDir;

use super::meta::{Meta, PATIENCE, Reply};
use super::model::data::Data;
use super::model::proto::Writer;
use super::model::{DataNode, Options, command};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn options(dir: &TempDir) -> Options {
    let mut options = Options::at(dir.path(), LOCALHOST);
    options.listen.set_port(0);
    options.http_addr = "127.0.0.1:8086".to_owned();
    options
}

pub(super) fn knows(dir: &TempDir, servers: &[&str]) {
    let list: Vec<String> = servers
        .iter()
        .map(|server| format!("\"{server}\""))
        .collect();
    let text = format!("{{\"MetaServers\":[{}]}}\n", list.join(","));
    std::fs::write(dir.path().join("client.json"), text).expect("writes");
}

fn remembers(dir: &TempDir) -> String {
    std::fs::read_to_string(dir.path().join("client.json")).expect("reads")
}

/// Starts a data node that finds this meta node in its directory.
fn of(meta: &Meta) -> (TempDir, DataNode) {
    let dir = TempDir::new().expect("a folder");
    knows(&dir, &[&meta.addr()]);
    let node = DataNode::start(Options {
        announces: false,
        ..options(&dir)
    });
    node.wait_for("first Data", PATIENCE, |data| data.index >= 5);
    (dir, node)
}

/// Returns an address where nothing listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}

#[test]
fn it_starts_from_its_file_and_follows_the_catalog() {
    let meta = Meta::start();
    let (_dir, node) = of(&meta);
    meta.change(|data| data.databases.clear());
    let data = node.wait_for("change", PATIENCE, |data| data.databases.is_empty());
    assert_eq!(data.index, 6);
    let polls: Vec<_> = meta
        .wait_asked("/", 3)
        .into_iter()
        .map(|asked| asked.what)
        .collect();
    assert_eq!(
        polls[..3],
        ["GET /?index=0", "GET /?index=5", "GET /?index=6"]
    );
    let asked = meta.asked("/").remove(0);
    assert_eq!(
        asked.headers,
        [
            format!("Host: {}", meta.addr()),
            "User-Agent: InfluxDB Meta Client".to_owned(),
            "Accept-Encoding: gzip".to_owned(),
        ]
    );
    assert_eq!(node.complaints(), [""; 0]);
}

/// Its list is that of the catalog, in its order. The first node is always asked first, whichever
/// answered last.
#[test]
fn it_prefers_the_first_and_goes_on_with_the_next() {
    let (first, second) = (Meta::start(), Meta::start());
    let (dir, node) = of(&second);
    let catalog = |data: &mut Data| {
        let mut node = data.meta_nodes[0].clone();
        (node.id, node.addr) = (1, first.addr());
        let mut other = node.clone();
        (other.id, other.addr) = (2, second.addr());
        data.meta_nodes = vec![node, other];
        data.index = 10;
    };
    first.change(catalog);
    // The first node fails three times. Each time the second node answers, and the next poll goes
    // to the first again.
    first.script(
        "/",
        vec![
            Reply::HangUp,
            Reply::Status(503, "no"),
            Reply::Bytes(b"\x08".to_vec()),
        ],
    );
    second.wait_asked("/", 2);
    second.change(catalog);
    for turn in 1..=3 {
        second.wait_asked("/", 2 + turn);
        assert_eq!(first.asked("/").len(), turn);
        second.change(|_| {});
        node.wait_for("what the second knows", PATIENCE, |data| {
            data.index == 10 + turn as u64
        });
    }
    assert_eq!(first.wait_asked("/", 4)[3].what, "GET /?index=13");
    assert_eq!(second.asked("/").len(), 5);
    let servers = [first.addr(), second.addr()];
    assert_eq!(node.meta_servers(), servers);
    assert_eq!(
        remembers(&dir),
        format!(
            "{{\"MetaServers\":[\"{}\",\"{}\"]}}\n",
            servers[0], servers[1]
        )
    );
    assert_eq!(
        node.complaints(),
        [format!(
            "unreadable Data from {}: unexpected EOF",
            first.addr()
        )]
    );
}

/// The client takes any `Data` it gets, also an older one. Without meta nodes in it, it forgets its
/// list.
#[test]
fn it_believes_whatever_it_is_given() {
    let meta = Meta::start();
    let (dir, node) = of(&meta);
    meta.wait_asked("/", 2);
    let older = Data {
        index: 2,
        ..(*node.cached()).clone()
    };
    meta.script("/", vec![Reply::Bytes(older.write())]);
    meta.change(|_| {});
    // The waiting poll is answered; the next poll gets the script's answer.
    meta.wait_asked("/", 4);
    assert_eq!(meta.asked("/")[3].what, "GET /?index=2");
    meta.change(|data| data.meta_nodes.clear());
    node.wait_for("empty list", PATIENCE, |data| data.meta_nodes.is_empty());
    assert_eq!(node.execute(b""), Err("no meta servers".to_owned()));
    assert_eq!(remembers(&dir), "{\"MetaServers\":[]}\n");
}

#[test]
fn without_a_meta_server_it_does_not_start() {
    let dir = TempDir::new().expect("a folder");
    let (gone, meta) = (nowhere(), Meta::start());
    meta.script(
        "/",
        vec![
            Reply::Status(503, "no leader"),
            Reply::Status(503, "no leader"),
        ],
    );
    knows(&dir, &[&gone, &meta.addr()]);
    let node = DataNode::start(Options {
        announces: false,
        ..options(&dir)
    });
    meta.wait_asked("/", 1);
    std::net::TcpStream::connect(node.tcp_addr())
        .expect_err("nobody is served before there is a catalog");
    node.wait_for("first Data", PATIENCE, |data| data.index == 5);
}

#[test]
fn a_command_goes_to_the_first_and_follows_it_to_the_leader() {
    let (follower, leader) = (Meta::start(), Meta::start());
    let dir = TempDir::new().expect("a folder");
    knows(&dir, &[&follower.addr()]);
    let secret = Some("s3cret".to_owned());
    let node = DataNode::start(Options {
        announces: false,
        secret,
        ..options(&dir)
    });
    node.wait_for("first Data", PATIENCE, |data| data.index == 5);
    let redirect = format!("http://{}/execute", leader.addr());
    follower.script("/execute", vec![Reply::Redirect(redirect)]);
    let command = command::drop_database("db");
    let executing = std::thread::spawn({
        let command = command.clone();
        move || (node.execute(&command), node)
    });
    let asked = [
        follower.wait_asked("/execute", 1).remove(0),
        leader.wait_asked("/execute", 1).remove(0),
    ];
    for asked in &asked {
        assert_eq!(
            (asked.what.as_str(), &asked.body),
            ("POST /execute", &command)
        );
        assert_eq!(
            asked.header("Content-Type"),
            Some("application/octet-stream")
        );
        let token = asked.header("Authorization").expect("a token");
        assert!(
            token.starts_with("Bearer eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."),
            "{token}"
        );
    }
    // The command is not done before the node's own poll has brought its effect.
    assert!(!executing.is_finished());
    follower.change(|_| {});
    assert_eq!(executing.join().expect("no panic").0, Ok(6));
}

#[test]
fn a_command_is_tried_eleven_times_round_the_list() {
    let (first, second) = (Meta::start(), Meta::start());
    let dir = TempDir::new().expect("a folder");
    let list = |data: &mut Data| {
        let one = data.meta_nodes[0].clone();
        data.meta_nodes = [&first, &second]
            .iter()
            .zip(1..)
            .map(|(meta, id)| {
                let mut node = one.clone();
                (node.id, node.addr) = (id, meta.addr());
                node
            })
            .collect();
    };
    first.change(list);
    second.change(list);
    knows(&dir, &[&first.addr(), &second.addr()]);
    let node = DataNode::start(Options {
        announces: false,
        ..options(&dir)
    });
    node.wait_for("both", PATIENCE, |data| data.meta_nodes.len() == 2);
    // No answer, an answer without OK, and error statuses.
    let no_ok = Reply::Bytes(Writer::default().number(3, 6).done());
    first.script(
        "/execute",
        [
            vec![Reply::HangUp, no_ok],
            vec![Reply::Status(503, "no leader"); 4],
        ]
        .concat(),
    );
    second.script("/execute", vec![Reply::Status(500, "no"); 5]);
    assert_eq!(
        node.execute(&command::drop_database("db")),
        Err("meta service returned 503".to_owned())
    );
    assert_eq!(
        (
            first.asked("/execute").len(),
            second.asked("/execute").len()
        ),
        (6, 5)
    );
    assert_eq!(node.complaints().len(), 1);
    // A refusal is final.
    let refused = Writer::default()
        .flag(1, false)
        .text(2, "database not found: x")
        .done();
    first.script("/execute", vec![Reply::Bytes(refused)]);
    assert_eq!(
        node.execute(&command::drop_database("x")),
        Err("database not found: x".to_owned())
    );
    assert_eq!(first.asked("/execute").len(), 7);
}

#[test]
fn a_redirect_that_is_not_absolute_leads_nowhere() {
    let meta = Meta::start();
    let (_dir, node) = of(&meta);
    meta.script("/execute", vec![Reply::Redirect("/execute".to_owned()); 11]);
    let error = node
        .execute(&command::prune_shard_groups())
        .expect_err("it cannot go there");
    assert!(
        error.contains("a Location that old clients cannot follow"),
        "{error}"
    );
}

#[test]
fn a_point_needs_a_group_and_stays_in_the_shards_that_are_its_own() {
    let meta = Meta::start();
    let (dir, node) = of(&meta);
    // Without data nodes there is no group, and no error either.
    meta.script(
        "/execute",
        vec![Reply::Bytes(
            Writer::default().flag(1, false).number(3, 5).done(),
        )],
    );
    assert_eq!(node.write("db", "", 100), Err("nil shard group".to_owned()));
    let created = node.execute(&command::create_data_node(
        "127.0.0.1:8086",
        &node.tcp_addr(),
    ));
    assert_eq!(created, Ok(6));
    assert_eq!(node.id(), 4);
    let group = node.write("db", "", 100).expect("a group");
    assert_eq!(
        group
            .shards
            .iter()
            .map(|shard| shard.id)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(node.shards().keys().copied().collect::<Vec<_>>(), [1, 2]);
    // The group is known by now: no request is sent.
    let before = meta.asked("/execute").len();
    assert_eq!(node.write("db", "autogen", 1099), Ok(group));
    assert_eq!(meta.asked("/execute").len(), before);
    assert_eq!(
        meta.asked("/execute")[before - 1].body,
        command::create_shard_group("db", "autogen", 100)
    );
    assert_eq!(
        node.write("db", "nope", 1),
        Err("retention policy not found: nope".to_owned())
    );
    // After a restart it finds them again.
    drop(node);
    let again = DataNode::start(options(&dir));
    assert_eq!(
        again
            .shards()
            .values()
            .map(|held| held.size)
            .collect::<Vec<_>>(),
        [32, 32]
    );
}

#[test]
fn a_lease_is_asked_of_the_first_only() {
    let meta = Meta::start();
    let (_dir, node) = of(&meta);
    let lease =
        r#"{"name":"continuous_querier","expiration":"2026-11-23T03:34:45.944481992Z","owner":3}"#;
    for (replies, want) in [
        (vec![Reply::Status(200, lease)], Ok(3)),
        (
            vec![
                Reply::Status(503, "{}"),
                Reply::Status(503, "{}"),
                Reply::Status(200, lease),
            ],
            Ok(3),
        ),
        (
            vec![Reply::Status(409, lease)],
            Err("another node owns the lease"),
        ),
        (
            vec![Reply::Status(409, "")],
            Err("EOF while parsing a value at line 1 column 0"),
        ),
        (
            vec![Reply::Status(400, "node ID required\n")],
            Err("meta service: node ID required\n"),
        ),
        (
            vec![Reply::Status(500, "")],
            Err("meta service internal error"),
        ),
        (
            vec![Reply::Status(418, "")],
            Err("unrecognized meta service error"),
        ),
    ] {
        let (before, asked) = (meta.asked("/lease").len(), replies.len());
        meta.script("/lease", replies);
        let lease = node.acquire_lease("continuous_querier");
        assert_eq!(lease.map(|lease| lease.owner), want.map_err(str::to_owned));
        assert_eq!(meta.asked("/lease").len() - before, asked);
    }
    assert_eq!(
        meta.asked("/lease")[0].what,
        "GET /lease?name=continuous_querier&nodeid=0"
    );
}

#[test]
fn it_announces_itself_to_the_first_that_answers() {
    let meta = Meta::start();
    let dir = TempDir::new().expect("a folder");
    knows(&dir, &[&meta.addr()]);
    meta.script("/announce", vec![Reply::HangUp, Reply::Status(500, "")]);
    let node = DataNode::start(options(&dir));
    let asked = meta.wait_asked("/announce", 3).remove(2);
    assert_eq!(asked.header("User-Agent"), Some("InfluxDB DataNode"));
    let want = format!(
        "{{\"tcpAddr\":\"{}\",\"httpAddr\":\"127.0.0.1:8086\",\"httpScheme\":\"http\",\
         \"time\":\"0001-01-01T00:00:00Z\",\"nodeType\":\"data\",\"status\":\"joined\",\
         \"context\":null,\"version\":\"1.8.11-c1.2.0\"}}",
        node.tcp_addr()
    );
    assert_eq!(String::from_utf8_lossy(&asked.body), want);
}
