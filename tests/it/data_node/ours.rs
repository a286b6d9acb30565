//! The model of a data node with meta nodes of this program: each side understands the other.

use tempfile::TempDir;

use super::meta::PATIENCE;
use super::model::{DataNode, command};
use super::model_client::{knows, options};
use crate::http::cluster::TestCluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_follows_a_cluster_of_ours() {
    let cluster = TestCluster::of(3).await;
    let addresses: Vec<String> = cluster
        .nodes
        .iter()
        .map(|node| node.http.server.local().to_string())
        .collect();
    let dir = TempDir::new().expect("a folder");
    // A follower first: commands are redirected to the leader.
    let follower = cluster.follower().http.server.local().to_string();
    knows(&dir, &[&follower]);
    let node = DataNode::start(options(&dir));
    node.wait_for("three meta nodes", PATIENCE, |data| {
        data.meta_nodes.len() == 3
    });
    assert_eq!(node.create_database("db1"), Ok(()));
    let data = node.cached();
    let policy = data.policy("db1", "").expect("the default policy");
    assert_eq!((policy.name.as_str(), policy.duration), ("autogen", 0));
    let unknown = command::update_retention_policy("nope", "rp", None, None, None, true);
    assert_eq!(
        node.execute(&unknown),
        Err("database not found: nope".to_owned())
    );
    assert_eq!(
        node.execute(&command::drop_database("db1")).map(drop),
        Ok(())
    );
    assert!(node.cached().database("db1").is_none());
    let mut servers = node.meta_servers();
    servers.sort();
    let mut want = addresses;
    want.sort();
    assert_eq!(servers, want);
    node.wait_announced(PATIENCE);
    assert_eq!(node.complaints(), [""; 0]);
}
