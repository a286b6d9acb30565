//! The commands for data nodes and shards against a meta node of this program: both sides must
//! agree on the meaning of what they send.

use influxdb_meta::base::{Name, Text, UnixNanos};
use influxdb_meta::machine::{Command, Outcome, WireCommand};
use influxdb_meta::wire::envelope::Body;
use tokio::time::Instant;

use super::run::{Nobody, Ran, ctl, done, failed};
use crate::http::cluster::TestCluster;

/// Monday, 2100-01-04: the beginning of a week, where groups begin.
const MONDAY: UnixNanos = UnixNanos(4_102_704_000_000_000_000);

/// One meta node, two data nodes that do not answer, and a database with a shard on both.
struct World {
    cluster: TestCluster,
    data: [Nobody; 2],
}

impl World {
    async fn new() -> Self {
        let world = Self {
            cluster: TestCluster::of(1).await,
            data: [Nobody::new(), Nobody::new()],
        };
        for (number, node) in world.data.iter().enumerate() {
            let (http, tcp) = (
                Text::from(format!("data-{number}:8086").as_str()),
                Text::from(node.address.as_str()),
            );
            world
                .propose(Command::Wire(WireCommand::CreateDataNode { http, tcp }))
                .await;
        }
        let name = || Name::from("db");
        world
            .propose(Command::Wire(WireCommand::CreateDatabase {
                name: name(),
                retention_policy: None,
            }))
            .await;
        let policy = Name::from("autogen");
        world
            .propose(Command::Wire(WireCommand::CreateShardGroup {
                database: name(),
                policy,
                at: MONDAY,
            }))
            .await;
        world
    }

    async fn propose(&self, command: Command) {
        let deadline = Instant::now() + std::time::Duration::from_secs(20);
        let outcome = self
            .cluster
            .leader()
            .raft
            .propose(Body::from(command), deadline)
            .await;
        assert!(
            matches!(outcome, Ok(Outcome::Applied { .. })),
            "{outcome:?}"
        );
    }

    /// Runs a command line. `A` and `B` stand for the data nodes, in the arguments and in the
    /// output.
    async fn ctl(&self, line: &str) -> Ran {
        let [a, b] = self.data.each_ref().map(|node| node.address.clone());
        let words = line.split(' ').map(|word| match word {
            "A" => a.clone(),
            "B" => b.clone(),
            other => other.to_owned(),
        });
        let bind = ["-bind".to_owned(), self.cluster.leader().host()];
        let args: Vec<String> = bind.into_iter().chain(words).collect();
        let ran = tokio::task::spawn_blocking(move || {
            ctl(&args.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let ran = ran.await.expect("no panic");
        let named = |text: &str| text.replace(&a, "A").replace(&b, "B");
        Ran {
            stdout: named(&ran.stdout),
            stderr: named(&ran.stderr),
            code: ran.code,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_nodes_are_shown_and_labelled() {
    let world = World::new().await;
    let (set, delete) = (
        r#"node-labels set -nodeid 3 -labels {"az":"east"}"#,
        r#"node-labels delete -nodeid 3 -labels ["az"]"#,
    );
    for (line, labels) in [("show", "{}"), (set, r#"{"az":"east"}"#), (delete, "{}")] {
        let said = world.ctl(line).await;
        assert_eq!((said.stderr.as_str(), said.code), ("", Some(0)), "{line}");
        let shown = world.ctl("show").await.stdout;
        let rows: Vec<String> = shown.lines().skip(2).take(3).map(squeezed).collect();
        let want = [
            "ID|TCP Address|HTTP Address|Version|Labels|Passive".to_owned(),
            "2|A|data-0:8086|unknown|{}|false".to_owned(),
            format!("3|B|data-1:8086|unknown|{labels}|false"),
        ];
        assert_eq!(rows, want, "{line}");
    }
    let want = failed(
        "",
        "node-labels: operation exited with error: node not found\n",
    );
    assert_eq!(world.ctl(&set.replace('3', "9")).await, want);
}

fn squeezed(line: &str) -> String {
    line.split('\t')
        .filter(|cell| !cell.is_empty())
        .collect::<Vec<_>>()
        .join("|")
}

fn shards(end: &str, owners: &str) -> Ran {
    // The column `End` is as wide as its cell, which may end with a star.
    let gap = " ".repeat(end.len() - 3 + 2);
    done(&format!(
        "Shards\n==========\n\
         ID  Database  Retention Policy  Desired Replicas  Shard Group  Start                 \
         End{gap}Expires  Owners\n\
         1   db        autogen           2                 1            2100-01-04T00:00:00Z  \
         {end}           {owners}\n"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_are_shown_and_truncated() {
    let world = World::new().await;
    let owners = "[{2 A} {3 B}]";
    assert_eq!(
        world.ctl("show-shards").await,
        shards("2100-01-11T00:00:00Z", owners)
    );
    let silent = |id, name| {
        format!(
            "{{{id} {name}  0001-01-01 00:00:00 +0000 UTC 0 ListShards at {name}: \
             connection refused}}"
        )
    };
    let in_full = format!("[{} {}]", silent(2, "A"), silent(3, "B"));
    assert_eq!(
        world.ctl("show-shards -v -e").await,
        shards("2100-01-11T00:00:00Z", &in_full)
    );
    let inconsistent = world.ctl("show-shards -m").await;
    let why = "show-shards: not all copies were looked at: data node 2 (ListShards at A: \
               connection refused), data node 3 (ListShards at B: connection refused)\n";
    assert_eq!(
        (inconsistent.stderr.as_str(), inconsistent.code),
        (why, Some(1))
    );
    let columns = "Source  Dest  Database  Policy  ShardID  TotalSize  CurrentSize  StartedAt\n";
    assert_eq!(world.ctl("copy-shard-status").await, done(columns));
    assert_eq!(
        world.ctl("truncate-shards -delay -1h").await,
        done("Truncated shards.\n")
    );
    assert_eq!(
        world.ctl("show-shards").await,
        shards("2100-01-04T00:00:00Z*", owners),
        "as if it had no time"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_our_node_refuses_is_said() {
    let world = World::new().await;
    for (line, why) in [
        (
            "add-data 127.0.0.1:1",
            "JoinCluster at 127.0.0.1:1: connection refused",
        ),
        ("copy-shard A B 1", "ListShards at A: connection refused"),
        ("copy-shard A B 9", "shard not found for id: 9"),
        (
            "copy-shard A d3:8088 1",
            "unable to find node for \"d3:8088\"",
        ),
        ("remove-shard A 9", "shard not found for id: 9"),
        (
            "update-data d3 d4",
            "no data node with bind address d3:8088 exists",
        ),
        ("remove-data d3", "node not found: d3:8088"),
        (
            "remove-data A",
            "/status at A: connection refused: nothing was changed; a node that will not come back \
             needs force",
        ),
    ] {
        let name = line.split(' ').next().expect("a command");
        let want = failed("", &format!("{name}: operation exited with error: {why}\n"));
        assert_eq!(world.ctl(line).await, want, "{line}");
    }
    assert_eq!(
        world.ctl("add-data A").await,
        done("Added data node 2 at A\n"),
        "a member is only said again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_copy_goes_only_by_force() {
    let world = World::new().await;
    assert_eq!(
        world.ctl("remove-data -force A").await,
        done("Removed data node at A\n")
    );
    assert_eq!(
        world.ctl("show-shards").await,
        shards("2100-01-11T00:00:00Z", "[{3 B}]")
    );
    let why = "remove-shard: operation exited with error: \
               shard 1 has its only copy on B: copy it to another data node first, or use force\n";
    assert_eq!(world.ctl("remove-shard B 1").await, failed("", why));
    let forced = world.ctl("remove-shard -force B 1").await;
    let why = "remove-shard: operation exited with error: B is no owner of shard 1 any more, but \
               may still hold its data (RemoveShard at B: connection refused): remove it again \
               with force once that node answers\n";
    assert_eq!(forced, failed("", why));
    let shown = world.ctl("show-shards").await;
    assert_eq!(
        shown.stdout.lines().count(),
        3,
        "no shard is left: {shown:?}"
    );
    assert_eq!(
        world.ctl("remove-data -force B").await,
        done("Removed data node at B\n")
    );
}
