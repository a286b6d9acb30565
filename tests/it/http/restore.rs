//! A restore that is larger than one command, as a data node posts it.

use influxdb_meta::catalog::Catalog;
use influxdb_meta::wire::budget::{self, MAX_COMMAND_COST};
use influxdb_meta::wire::execute;

use super::cluster::{Node, TestCluster};
use super::harness::{post, until};

const SHARDS: u64 = 20_000;

/// A restore that is larger than one command may be.
fn restore(index: u64) -> Vec<u8> {
    let command = execute::encode(&crate::raft::restore::restore(index, SHARDS));
    let cost = budget::count(&command).expect("well-formed").cost();
    assert!(cost > MAX_COMMAND_COST, "one command is enough: {cost}");
    command.to_vec()
}

async fn execute(node: &Node, body: &[u8]) -> (u16, String) {
    let mut connection = node.http.connect().await;
    connection.send(&post("/execute", "", body)).await;
    let reply = connection.reply_at_last().await;
    (reply.status(), String::from_utf8_lossy(&reply.body).into())
}

fn catalog(node: &Node) -> Catalog {
    node.raft.applied().borrow().catalog.clone()
}

/// Through a follower, which forwards it. A second one from the same index is refused, and leaves
/// nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_in_parts_is_there_on_each_node_or_not_at_all() {
    let cluster = TestCluster::of(3).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let before = catalog(leader);
    let command = restore(before.index);
    let (status, text) = execute(follower, &command).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.starts_with("\u{8}\u{1}"), "{text:?}");
    let index = leader.index();
    assert!(index > before.index + 1, "it went in one command");
    for node in &cluster.nodes {
        until("the restore is applied", || node.index() >= index).await;
        let catalog = catalog(node);
        assert_eq!(catalog.shard_count() as u64, SHARDS);
        assert_eq!(
            (catalog.restoring.is_none(), catalog.check()),
            (true, Ok(()))
        );
    }

    let (status, text) = execute(leader, &command).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("from which the restore was made"), "{text:?}");
    for node in &cluster.nodes {
        until("nothing of it is left", || {
            catalog(node).restoring.is_none()
        })
        .await;
        assert_eq!(catalog(node).content_index, catalog(leader).content_index);
        assert_eq!(catalog(node).shard_count() as u64, SHARDS);
    }
}
