//! A catalog that reaches its quota: a warning, then growth is refused through every node, and what
//! makes it smaller, or what the cluster needs to live, goes on.

use std::time::Duration;

use super::{HOUR, execute};
use crate::harness::data_node::command;
use crate::harness::data_node::data::{Data, Database, RetentionPolicy, Shard, ShardGroup};
use crate::harness::http::{self, Response};
use crate::harness::node::{Node, Nodes, SOON};
use crate::harness::{wait_for, wire};

const QUOTA: u64 = 1 << 20;

/// Bytes of each query of [`grow`]: below 64 KiB, so that it needs no room of its own.
const QUERY_BYTES: usize = 50_000;

fn formed() -> Nodes {
    let mut nodes = Nodes::new(3);
    nodes.set("INFLUXDB_META_CATALOG_QUOTA", "1m");
    nodes.start_all();
    nodes.wait_ready();
    nodes
}

/// Adds a query to the database `large`.
fn grow(leader: &Node, number: usize) -> Result<u64, String> {
    let query = "q".repeat(QUERY_BYTES);
    let name = format!("q{number}");
    execute(
        leader,
        &command::create_continuous_query("large", &name, &query),
    )
}

/// Adds queries until one is refused. Returns the text.
#[track_caller]
fn fill(leader: &Node) -> String {
    execute(leader, &command::create_database("large", None)).expect("a database");
    let refused = (0..).find_map(|number| grow(leader, number).err());
    refused.expect("a refusal")
}

/// Returns what a node says of the size of its catalog.
fn bytes(node: &Node) -> Result<u64, String> {
    let catalog = &node.health()?["catalog"];
    match (&catalog["bytes"].as_u64(), &catalog["quota"].as_u64()) {
        (Some(bytes), Some(QUOTA)) => Ok(*bytes),
        _ => Err(format!("{catalog}")),
    }
}

/// Waits until all nodes say the same size, and returns it.
#[track_caller]
fn size_everywhere(nodes: &Nodes) -> u64 {
    nodes.wait_equal();
    wait_for("one size", SOON, || {
        let sizes = nodes.all.iter().map(bytes);
        let sizes = sizes.collect::<Result<Vec<u64>, String>>()?;
        match sizes.iter().all(|size| *size == sizes[0]) {
            true => Ok(sizes[0]),
            false => Err(format!("{sizes:?}")),
        }
    })
}

#[track_caller]
fn wait_metric(node: &Node, line: &str) {
    wait_for(line, SOON, || {
        let text = node.get("/metrics")?.text();
        let has_it = text.lines().any(|there| there == line);
        has_it.then_some(()).ok_or(text)
    });
}

/// Sends a command through a node under a name that is not advertised: it is forwarded.
#[track_caller]
fn forwarded(node: &Node, command: &[u8]) -> Response {
    let within = Duration::from_secs(35);
    let answer = http::request(
        node.http(),
        "POST",
        "/execute",
        "elsewhere",
        command,
        within,
    );
    answer.expect("an answer")
}

#[test]
fn a_full_catalog_refuses_growth_through_every_node_and_shrinks() {
    let nodes = formed();
    let at = nodes.leader();
    let (leader, follower) = (&nodes.all[at], &nodes.all[(at + 1) % 3]);
    let data_node = command::create_data_node("data:8086", "data:8088");
    execute(leader, &data_node).expect("a data node");
    execute(leader, &command::create_database("large", None)).expect("a database");
    let near = (QUOTA as usize * 80 / 100).div_ceil(QUERY_BYTES);

    // 80 %: every node warns, and nothing is refused.
    for number in 0..near {
        grow(leader, number).expect("there is room");
    }
    for node in &nodes.all {
        node.wait_says("the catalog has used 80 % of its 1048576 bytes");
        wait_metric(node, "influxdb_meta_catalog_quota_bytes 1048576");
        wait_metric(node, "influxdb_meta_alarm{kind=\"catalog-quota\"} 0");
    }

    // 100 %: the leader refuses, whichever node was asked, and says what to do.
    let refused = (near..).find_map(|number| grow(leader, number).err());
    let refused = refused.expect("a refusal");
    for part in [
        "of at most 1048576 bytes",
        "catalog-quota",
        "drop databases",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    let answer = forwarded(follower, &command::create_database("more", None));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = wire::response(&answer.body).expect_err("refused");
    assert!(text.contains("[meta] catalog-quota"), "{text}");
    let labels = br#"{"nodeid":1,"set":{"az":"east"}}"#;
    let answer = leader.post("/node-labels", labels).expect("an answer");
    assert_eq!(answer.status, 507, "{}", answer.text());
    assert!(answer.text().contains("catalog-quota"), "{}", answer.text());

    // Every node says so by itself.
    let size = size_everywhere(&nodes);
    assert!((QUOTA..QUOTA + (64 << 10)).contains(&size), "{size}");
    for node in &nodes.all {
        node.wait_says("the catalog has used its 1048576 bytes");
        wait_metric(node, "influxdb_meta_alarm{kind=\"catalog-quota\"} 1");
        wait_metric(node, &format!("influxdb_meta_catalog_bytes {size}"));
        let warned = node.log().matches("has used its 1048576 bytes").count();
        assert_eq!(warned, 1, "logged once:\n{}", node.log());
    }
    let shown = leader.ctl(&["show", "-v"]);
    let cell = format!("{size} ({} %)", size * 100 / QUOTA);
    assert_eq!(shown.stdout.matches(&cell).count(), 3, "{}", shown.stdout);
    assert!(shown.stderr.contains("catalog-quota"), "{}", shown.stderr);

    // What adds nothing, and what the cluster needs, goes on.
    execute(leader, &command::create_database("large", None)).expect("is there");
    let lease = leader.get("/lease?name=work&nodeid=4");
    assert_eq!(lease.expect("an answer").status, 200);

    // Room is made, through a follower too.
    let answer = forwarded(follower, &command::drop_database("large"));
    assert_eq!(wire::response(&answer.body).err(), None);
    execute(leader, &command::create_database("after", None)).expect("there is room");
    for node in &nodes.all {
        wait_metric(node, "influxdb_meta_alarm{kind=\"catalog-quota\"} 0");
    }
    assert!(size_everywhere(&nodes) < QUOTA / 100);
}

#[test]
fn a_full_catalog_is_full_after_a_restart() {
    let mut nodes = formed();
    fill(&nodes.all[nodes.leader()]);
    let size = size_everywhere(&nodes);
    for node in &mut nodes.all {
        node.kill();
    }
    nodes.start_all();
    nodes.wait_ready();
    let leader = &nodes.all[nodes.leader()];
    let refused = execute(leader, &command::create_database("more", None));
    let refused = refused.expect_err("it is full");
    assert!(refused.contains("catalog-quota"), "{refused}");
    assert_eq!(size_everywhere(&nodes), size);
    execute(leader, &command::drop_database("large")).expect("shrinks");
    execute(leader, &command::create_database("more", None)).expect("there is room");
}

/// Restores of one command and in parts are refused before anything of them is logged.
#[test]
fn a_restore_that_does_not_fit_is_refused_before_its_first_part() {
    let nodes = formed();
    let leader = &nodes.all[nodes.leader()];
    let restore = |groups: u64| {
        let index = index_at(leader);
        command::set_data(&restored(index, groups).write())
    };
    let applied = || {
        let health = leader.health().expect("healthz");
        let state = &health["raft_state"];
        (state["last_log"]["index"].as_u64(), bytes(leader))
    };
    execute(leader, &command::create_database("kept", None)).expect("a database");
    let size = 64 + 32;
    let too_many = QUOTA / size + 100;
    for groups in [too_many, 5 * too_many] {
        let before = applied();
        let refused = execute(leader, &restore(groups)).expect_err("it does not fit");
        assert!(refused.contains("catalog-quota"), "{refused}");
        assert_eq!(applied(), before, "{groups} groups");
    }
    execute(leader, &restore(1000)).expect("it fits");
}

/// Index of the catalog that a node serves.
fn index_at(node: &Node) -> u64 {
    wire::data(&node.get("/?index=0").expect("a catalog").body).index
}

/// A backup of one database with so many groups of one shard.
fn restored(index: u64, groups: u64) -> Data {
    let group = |id: u64| ShardGroup {
        id,
        start: id as i64 * HOUR,
        end: (id as i64 + 1) * HOUR,
        deleted_at: 0,
        shards: vec![Shard { id, owners: vec![] }],
        truncated_at: 0,
    };
    let policy = RetentionPolicy {
        name: "hourly".to_owned(),
        duration: 0,
        shard_group_duration: HOUR,
        replica_n: 1,
        shard_groups: (1..=groups).map(group).collect(),
        subscriptions: vec![],
    };
    let database = Database {
        name: "restored".to_owned(),
        default_retention_policy: "hourly".to_owned(),
        retention_policies: vec![policy],
        continuous_queries: vec![],
    };
    Data {
        index,
        databases: vec![database],
        max_shard_group_id: groups,
        max_shard_id: groups,
        ..Data::default()
    }
}
