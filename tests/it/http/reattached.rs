//! `POST /update-data` with one address twice: a data node that comes back with an empty disk.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use influxdb_meta::base::{Name, NodeId, Text};
use influxdb_meta::machine::WireCommand;
use influxdb_meta::runtime::net::Stream;
use influxdb_meta::runtime::{Env, TaskHandle};
use influxdb_meta::wire::data_node::{
    Call, DataNodeStatus, HEADER_BYTES, JoinCluster, MUX, Node, RpcHeader, answer,
};
use influxdb_meta::wire::envelope::Body;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::cluster::TestCluster;
use super::harness::{PATIENCE, Reply};

/// A data node that joins the cluster that it is ordered to join.
struct DataNode {
    local: SocketAddr,
    told: Arc<Mutex<Vec<JoinCluster>>>,
    _accepting: TaskHandle<()>,
}

impl DataNode {
    async fn start(node_status: &'static str) -> Self {
        let env = Env::real();
        let mut listener = env
            .net
            .listen(([127, 0, 0, 1], 0).into())
            .await
            .expect("a free port");
        let local = listener.local();
        let told: Arc<Mutex<Vec<JoinCluster>>> = Arc::default();
        let log = told.clone();
        let _accepting = env.tasks.spawn(async move {
            while let Ok(stream) = listener.accept().await {
                serve(stream, local, node_status, &log).await;
            }
        });
        Self {
            local,
            told,
            _accepting,
        }
    }
}

async fn serve(
    mut stream: Box<dyn Stream>,
    local: SocketAddr,
    node_status: &str,
    told: &Mutex<Vec<JoinCluster>>,
) {
    let answer = if stream.read_u8().await.expect("a byte") == MUX {
        let mut header = [0; HEADER_BYTES];
        stream.read_exact(&mut header).await.expect("a header");
        let mut body = vec![0; RpcHeader::decode(header).expect("a header").length];
        stream.read_exact(&mut body).await.expect("a body");
        told.lock()
            .expect("told")
            .push(JoinCluster::decode(&body).expect("JoinCluster"));
        let (http_addr, tcp_addr) = (
            Name::from("data:8086"),
            Name::from(local.to_string().as_str()),
        );
        answer::<JoinCluster>(&Ok(Node {
            id: NodeId(2),
            http_addr,
            tcp_addr,
        }))
        .expect("short")
        .to_vec()
    } else {
        let status = DataNodeStatus {
            node_type: "data".to_owned(),
            tcp_addr: local.to_string(),
            http_addr: "data:8086".to_owned(),
            node_status: node_status.to_owned(),
            ..DataNodeStatus::default()
        };
        let body = serde_json::to_string(&status).expect("encodes");
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .into_bytes()
    };
    // A caller that has gone does not read the answer.
    let _gone = stream.write_all(&answer).await;
}

/// Makes a cluster of one in which this data node is node 2.
async fn cluster_with(data: &DataNode) -> TestCluster {
    let cluster = TestCluster::of(1).await;
    let (http, tcp) = (
        Text::from("data:8086"),
        Text::from(data.local.to_string().as_str()),
    );
    let created = Body::from(WireCommand::CreateDataNode { http, tcp });
    cluster
        .leader()
        .raft
        .propose(created, Instant::now() + PATIENCE)
        .await
        .expect("created");
    cluster
}

async fn update(cluster: &TestCluster, data: &DataNode) -> Reply {
    let address = data.local;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body = format!("oldAddr={address}&newAddr={address}");
    cluster
        .leader()
        .http
        .post("/update-data", form, body.as_bytes())
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_takes_its_own_place_again() {
    let data = DataNode::start("disjoined").await;
    let cluster = cluster_with(&data).await;
    let reply = update(&cluster, &data).await;
    let said = reply.json();
    assert_eq!(
        (reply.status(), &said["id"], &said["tcpAddr"]),
        (200, &json!(2), &json!(data.local.to_string()))
    );
    let meta = Name::from(cluster.leader().host().as_str());
    assert_eq!(
        *data.told.lock().expect("told"),
        [JoinCluster {
            meta_servers: vec![meta],
            update: true
        }]
    );
    let shown = cluster.leader().http.get("/show-cluster").await.json();
    assert_eq!(shown["data"].as_array().map(Vec::len), Some(1), "{shown}");
}

/// The answer to the first request may have been lost: the second request informs both the caller
/// and the data node again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_in_its_place_stays_there() {
    let data = DataNode::start("joined").await;
    let cluster = cluster_with(&data).await;
    let reply = update(&cluster, &data).await;
    assert_eq!(
        (reply.status(), &reply.json()["tcpAddr"]),
        (200, &json!(data.local.to_string()))
    );
    assert_eq!(data.told.lock().expect("told").len(), 1);
}
