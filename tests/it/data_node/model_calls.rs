//! This program's client against the model: each call has the effect that it has on a data node,
//! and the model's faults are met.

use std::time::Duration;

use influxdb_meta::base::{Address, Name, NodeId};
use influxdb_meta::data_node::{DataNodes, DataNodesConfig, Failed, FailureCause};
use influxdb_meta::runtime::Env;
use influxdb_meta::wire::data_node::{CopyShard, MessageType, Node, SINCE_THE_BEGINNING};
use tempfile::TempDir;
use tokio::time::Instant;

use super::meta::{Meta, PATIENCE};
use super::model::{Behaviour, DataNode, Held, On, Options};
use super::model_client::options;
use crate::vectors::read;

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

fn address(text: &str) -> Address {
    Address::parse(text, 0).expect("an address")
}

/// A data node and a client that reaches it, beside a meta node.
struct World {
    meta: Meta,
    node: DataNode,
    nodes: DataNodes,
    dir: TempDir,
}

impl World {
    /// Starts a node that waits for its cluster for at most `patience`.
    async fn new(patience: Duration) -> Self {
        let dir = TempDir::new().expect("a folder");
        let node = DataNode::start(Options {
            announces: false,
            patience,
            ..options(&dir)
        });
        let nodes = DataNodes::open(&Env::real(), &DataNodesConfig::default())
            .await
            .expect("without TLS");
        Self {
            meta: Meta::start(),
            node,
            nodes,
            dir,
        }
    }

    fn at(&self) -> Address {
        address(&self.node.tcp_addr())
    }

    async fn join(&self, servers: &[String], update: bool) -> Result<Node, Failed> {
        let servers: Vec<Address> = servers.iter().map(|server| address(server)).collect();
        self.nodes
            .join_cluster(&self.at(), &servers, update, soon())
            .await
    }

    async fn joined() -> Self {
        let world = Self::new(PATIENCE).await;
        world
            .join(&[world.meta.addr()], false)
            .await
            .expect("it joins");
        world
    }

    /// Text of a join that fails.
    async fn refuses_to_join(&self, servers: &[String], update: bool) -> String {
        let failed = self.join(servers, update).await.expect_err("it refuses");
        assert!(matches!(failed.why, FailureCause::Said(_)), "{failed}");
        failed.text()
    }
}

fn held(size: i64) -> Held {
    Held {
        state: "hot".to_owned(),
        ..Held::new("db1", "rp1", size)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_joins_and_says_who_it_is() {
    let world = World::new(PATIENCE).await;
    let at = world.at();
    let before = world.nodes.status(&at, soon()).await.expect("a status");
    assert_eq!(
        (before.node_status.as_str(), before.meta_addrs),
        ("disjoined", None)
    );
    let node = world
        .join(&[world.meta.addr()], false)
        .await
        .expect("it joins");
    let tcp_addr = Name::from(&world.node.tcp_addr());
    assert_eq!(
        node,
        Node {
            id: NodeId(4),
            http_addr: Name::from("127.0.0.1:8086"),
            tcp_addr
        }
    );
    let after = world.nodes.status(&at, soon()).await.expect("a status");
    assert!(after.is_joined());
    assert_eq!(after.tcp_addr, world.node.tcp_addr());
    assert_eq!(after.meta_addrs, Some(vec![world.meta.addr()]));
    // Joining again: the node exists already, and nothing is created.
    assert_eq!(
        world
            .join(&[world.meta.addr()], false)
            .await
            .map(|node| node.id),
        Ok(NodeId(4))
    );
    assert_eq!(world.meta.asked("/execute").len(), 1);
    assert_eq!(world.node.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_refuses_to_join() {
    let world = World::new(Duration::from_millis(100)).await;
    assert_eq!(
        world.refuses_to_join(&[], false).await,
        "empty meta servers"
    );
    world.meta.set_leader("");
    let meta = world.meta.addr();
    let other = "127.0.0.9:8091".to_owned();
    let no_leader = format!("no leader in meta servers: [{meta} {other}]");
    assert_eq!(
        world
            .refuses_to_join(&[meta.clone(), other.clone()], false)
            .await,
        no_leader
    );
    assert_eq!(
        world
            .refuses_to_join(&["127.0.0.8:8091".to_owned()], false)
            .await,
        "already joined to cluster"
    );
    world.meta.set_leader("127.0.0.1:8089");
    assert_eq!(
        world.refuses_to_join(&[meta], true).await,
        "unable to update data node, timed out: node not found"
    );
}

/// The node finds itself in the catalog by its address, in another node's entry that was given to
/// it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_takes_the_place_of_another() {
    let world = World::new(PATIENCE).await;
    let (tcp_addr, nodes, at) = (world.node.tcp_addr(), world.nodes.clone(), world.at());
    let servers = [address(&world.meta.addr())];
    let joining =
        tokio::spawn(async move { nodes.join_cluster(&at, &servers, true, soon()).await });
    world.meta.wait_asked("/status", 1);
    world.meta.change(|data| {
        let addr = "127.0.0.1:8086".to_owned();
        data.data_nodes.push(super::model::data::Node {
            id: 9,
            addr,
            tcp_addr,
        });
    });
    assert_eq!(
        joining.await.expect("no panic").map(|node| node.id),
        Ok(NodeId(9))
    );
    assert_eq!(world.meta.asked("/execute").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_leaves_once_it_is_forgotten_and_keeps_nothing() {
    let world = World::joined().await;
    world.node.hold(3, held(10));
    let (nodes, at) = (world.nodes.clone(), world.at());
    let leaving = tokio::spawn(async move { nodes.leave_cluster(&at, soon()).await });
    world.node.wait_heard("LeaveCluster", PATIENCE);
    assert!(!leaving.is_finished());
    world.meta.change(|data| data.data_nodes.clear());
    assert_eq!(leaving.await.expect("no panic"), Ok(()));
    world
        .node
        .wait_for("forgotten cluster", PATIENCE, |data| data.index == 0);
    assert_eq!(world.node.shards().len(), 0);
    let status = world
        .nodes
        .status(&world.at(), soon())
        .await
        .expect("a status");
    assert_eq!(
        (status.node_status.as_str(), status.meta_addrs),
        ("disjoined", None)
    );
    let file = std::fs::read_to_string(world.dir.path().join("client.json")).expect("reads");
    assert_eq!(file, "{\"MetaServers\":[]}\n");
    // The node may join again, under a new id.
    assert_eq!(
        world
            .join(&[world.meta.addr()], false)
            .await
            .map(|node| node.id),
        Ok(NodeId(5))
    );
}

/// A meta node waits while the data node joins: the model calls back meanwhile, as real data nodes
/// do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_calls_back_while_it_joins() {
    let world = World::joined().await;
    let order: Vec<_> = ["/status", "/execute", "/"]
        .map(|path| world.meta.asked(path).len())
        .into();
    assert!(order.iter().all(|asked| *asked > 0), "{order:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_are_listed_as_recorded() {
    let recorded = read("vectors/rpc/plain-rpc-ListShards-1.resp.bin");
    let world = World::joined().await;
    let want: influxdb_meta::wire::data_node::Shards =
        serde_json::from_slice(&recorded[12..]).expect("the JSON behind header, key and length");
    for (shard, info) in &want {
        let (state, last_modified) = (info.state.clone(), info.last_modified.clone());
        world.node.hold(
            *shard,
            Held {
                state,
                last_modified,
                ..held(info.size)
            },
        );
    }
    let listed = world
        .nodes
        .list_shards(&world.at(), soon())
        .await
        .expect("a list");
    assert_eq!(listed.len(), want.len());
    for (shard, info) in listed {
        assert_eq!(
            (info.id, &info.tcp_addr),
            (NodeId(4), &world.node.tcp_addr())
        );
        let as_recorded = influxdb_meta::wire::data_node::ShardOwnerInfo {
            id: want[&shard].id,
            tcp_addr: want[&shard].tcp_addr.clone(),
            ..info
        };
        assert_eq!(as_recorded, want[&shard]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_is_copied_and_removed() {
    let (world, source) = (World::joined().await, World::joined().await);
    source.node.hold(3, held(1 << 20));
    let copy = CopyShard {
        host: Name::from(&source.node.tcp_addr()),
        database: Name::from("db1"),
        policy: Name::from("rp1"),
        shard: 3,
        since: Some(SINCE_THE_BEGINNING),
    };
    assert_eq!(
        world.nodes.copy_shard(&world.at(), &copy, soon()).await,
        Ok(())
    );
    assert_eq!(world.node.shards()[&3].size, 1 << 20);
    assert_eq!(
        source.node.heard().last().map(String::as_str),
        Some("BackupShard { shard: 3 }")
    );
    assert_eq!(
        world.nodes.remove_shard(&world.at(), 3, soon()).await,
        Ok(())
    );
    let again = world.nodes.remove_shard(&world.at(), 3, soon()).await;
    assert_eq!(
        again.map_err(|failed| failed.text()),
        Err("shard not found".to_owned())
    );
    // A source without the shard sends nothing, which is not an error.
    let nothing = CopyShard {
        shard: 4,
        ..copy.clone()
    };
    assert_eq!(
        world.nodes.copy_shard(&world.at(), &nothing, soon()).await,
        Ok(())
    );
    assert_eq!(world.node.shards()[&4].size, 0);
    source.node.kill();
    let dead = world
        .nodes
        .copy_shard(&world.at(), &copy, soon())
        .await
        .expect_err("nobody is there");
    assert!(
        dead.text().contains("connection refused") || dead.text().contains("Connection refused"),
        "{dead}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_for_a_lost_node_is_dropped() {
    let world = World::joined().await;
    assert_eq!(
        world
            .nodes
            .remove_hinted_handoff(&world.at(), NodeId(6), soon())
            .await,
        Ok(())
    );
    assert_eq!(
        world.node.heard().last().map(String::as_str),
        Some("RemoveHintedHandoff { node: NodeId(6) }")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_moods_are_met() {
    let world = World::joined().await;
    let at = world.at();
    let remove = async |behaviour: Behaviour| {
        world.node.hold(7, held(1));
        world
            .node
            .set_behaviour(On::Call(MessageType::RemoveShard), behaviour);
        let done = world
            .nodes
            .remove_shard(&at, 7, Instant::now() + Duration::from_secs(2))
            .await;
        (
            done.map_err(|failed| failed.why),
            world.node.shards().contains_key(&7),
        )
    };
    let eof = || FailureCause::Broken {
        doing: "read message type",
        text: "EOF".to_owned(),
    };
    assert_eq!(
        remove(Behaviour::Failing("disk is full".to_owned())).await,
        (Err(FailureCause::Said("disk is full".to_owned())), true)
    );
    assert_eq!(remove(Behaviour::HangUp).await, (Err(eof()), true));
    assert_eq!(remove(Behaviour::ActThenHangUp).await, (Err(eof()), false));
    assert_eq!(
        remove(Behaviour::Silent).await,
        (Err(FailureCause::Timeout), true)
    );
    let (oversized, _) = remove(Behaviour::Raw(b"\x24\0\0\0\0\x40\0\0\0".to_vec())).await;
    let text = "unreadable answer: max message size of 1073741824 exceeded: 1073741824";
    assert_eq!(oversized.expect_err("too large").to_string(), text);
    world
        .node
        .set_behaviour(On::Status, Behaviour::Failing("boom".to_owned()));
    let status = world.nodes.status(&at, soon()).await.expect_err("it fails");
    assert_eq!(
        status.why,
        FailureCause::Status {
            status: 500,
            error: "HTTP 500: boom".to_owned()
        }
    );
    assert_eq!(
        remove(Behaviour::Slow(Duration::from_millis(5))).await,
        (Ok(()), false)
    );
}

/// Held until the test releases it: nothing is done before, all of it after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_held_and_let_go() {
    let world = World::joined().await;
    world.node.hold(7, held(1));
    world
        .node
        .set_behaviour(On::Call(MessageType::RemoveShard), Behaviour::Held);
    let (nodes, at) = (world.nodes.clone(), world.at());
    let removing = tokio::spawn(async move { nodes.remove_shard(&at, 7, soon()).await });
    world.node.wait_heard("RemoveShard", PATIENCE);
    assert!(world.node.shards().contains_key(&7) && !removing.is_finished());
    world
        .node
        .set_behaviour(On::Call(MessageType::RemoveShard), Behaviour::Normal);
    assert_eq!(removing.await.expect("no panic"), Ok(()));
    assert!(world.node.shards().is_empty());
}

/// HTTP is answered; a caller of another protocol gets a closed connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_on_its_port() {
    let world = World::joined().await;
    let env = Env::real();
    let exchange = async |bytes: &[u8]| {
        let to = world.node.tcp_addr().parse().expect("an address");
        let mut stream = env.net.dial(to).await.expect("connects");
        tokio::io::AsyncWriteExt::write_all(&mut stream, bytes)
            .await
            .expect("sends");
        let mut answer = Vec::new();
        // A reset comes if the node closes the connection without having read everything.
        let _reset = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(
        exchange(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .contains("\"nodeType\":\"data\"")
    );
    assert!(
        exchange(b"POST /anything HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200 OK")
    );
    assert_eq!(exchange(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03").await, "");
    assert_eq!(exchange(b"\x03").await, "");
    // An unknown type is skipped, and the next byte is a type again.
    let unknown = exchange(b"\x02\x63\x2b\0\0\0\0\0\0\0\x02\x08\x05").await;
    assert_eq!(unknown.as_bytes(), b"\x2c\0\0\0\0\0\0\0\0");
}
