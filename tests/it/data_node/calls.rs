//! Each call sends the bytes that the original sent, and understands the answers of a real data
//! node.

use influxdb_meta::base::{Address, Name, NodeId};
use influxdb_meta::data_node::FailureCause;
use influxdb_meta::wire::data_node::{CopyShard, SINCE_THE_BEGINNING};

use super::scripted::{Scripted, Step, d1, in_time};
use crate::vectors::read;

fn recorded(call: &str, part: &str) -> Vec<u8> {
    read(&format!("vectors/rpc/plain-rpc-{call}.{part}.bin"))
}

/// A data node that answers this call as recorded.
async fn node(call: &str) -> (Scripted, Vec<u8>) {
    let (asked, answered) = (recorded(call, "req"), recorded(call, "resp"));
    let script = vec![Step::Read(asked.len()), Step::Write(answered)];
    (Scripted::start(script).await, asked)
}

#[tokio::test(start_paused = true)]
async fn join_cluster() {
    let (node, asked) = node("JoinCluster-1").await;
    let servers = [2, 3, 4].map(|n| Address::new(&format!("127.0.0.{n}"), 8091));
    let joined = node
        .nodes
        .join_cluster(&d1(), &servers, false, in_time())
        .await
        .expect("it joins");
    assert_eq!(joined.id, NodeId(4));
    assert_eq!(joined.tcp_addr, Name::from("127.0.0.11:8088"));
    assert_eq!(joined.http_addr, Name::from("127.0.0.11:8086"));
    assert_eq!(node.heard(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn join_cluster_refused() {
    let (node, asked) = node("JoinCluster-3").await;
    let servers = [Address::new("127.0.0.5", 8091)];
    let failed = node
        .nodes
        .join_cluster(&d1(), &servers, false, in_time())
        .await
        .expect_err("it is another's");
    assert_eq!(
        failed.why,
        FailureCause::Said("already joined to cluster".to_owned())
    );
    assert_eq!(failed.text(), "already joined to cluster");
    assert_eq!(
        failed.to_string(),
        "JoinCluster at d1:8088: already joined to cluster"
    );
    assert!(!failed.why.is_maybe_done() && !failed.why.is_retryable());
    assert_eq!(node.heard(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn leave_cluster() {
    let (node, asked) = node("LeaveCluster-1").await;
    assert_eq!(node.nodes.leave_cluster(&d1(), in_time()).await, Ok(()));
    assert_eq!(node.heard(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn copy_shard() {
    let (node, asked) = node("CopyShard-1").await;
    let copy = CopyShard {
        host: Name::from("127.0.0.12:8088"),
        database: Name::from("db1"),
        policy: Name::from("rp1"),
        shard: 3,
        since: Some(SINCE_THE_BEGINNING),
    };
    assert_eq!(node.nodes.copy_shard(&d1(), &copy, in_time()).await, Ok(()));
    assert_eq!(node.heard(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn remove_shard() {
    let (node, asked) = node("RemoveShard-1").await;
    assert_eq!(node.nodes.remove_shard(&d1(), 3, in_time()).await, Ok(()));
    assert_eq!(node.heard(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn remove_shard_that_is_not_there() {
    let (node, _) = node("RemoveShard-2").await;
    let failed = node
        .nodes
        .remove_shard(&d1(), 3, in_time())
        .await
        .expect_err("it is gone");
    assert_eq!(failed.text(), "shard not found");
}

#[tokio::test(start_paused = true)]
async fn list_shards() {
    let (node, asked) = node("ListShards-2").await;
    let shards = node
        .nodes
        .list_shards(&d1(), in_time())
        .await
        .expect("a list");
    assert_eq!(shards.keys().copied().collect::<Vec<_>>(), [2, 4, 5, 6]);
    assert_eq!((shards[&2].id, shards[&2].size), (NodeId(4), 44154));
    assert_eq!(node.heard(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn remove_hinted_handoff() {
    let (node, asked) = node("RemoveHintedHandoff-2").await;
    assert_eq!(
        node.nodes
            .remove_hinted_handoff(&d1(), NodeId(6), in_time())
            .await,
        Ok(())
    );
    assert_eq!(node.heard(), [asked]);
}
