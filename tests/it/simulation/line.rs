//! Requests between nodes over 8091, without HTTP: one frame as request and one as answer, over the
//! network in memory. Cuts, new addresses and two nodes behind one name act on it as on all other
//! traffic.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use influxdb_meta::base::{Address, Incarnation};
use influxdb_meta::cluster::{Cluster, ClusterApi, Exchange, PeerRequest, PeerResponse, PollError};
use influxdb_meta::runtime::net::{BoxFuture, Listener, Net, Stream};
use influxdb_meta::runtime::{Env, Tasks};
use influxdb_meta::wire::api::Announcement;
use influxdb_meta::wire::identity::Identity;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

const IDENTITY: &str = "/cluster/identity";
const ANNOUNCE: &str = "/announce";

/// Timeout of clients and servers. The caller's own deadline is usually shorter.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Question {
    path: String,
    meant_for: Option<Incarnation>,
    /// Whether a node that does not lead forwarded this to the leader.
    forwarded: bool,
    body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Reply {
    status: u16,
    body: Vec<u8>,
}

/// Client side of one node.
pub(super) struct Line {
    net: Arc<dyn Net>,
}

impl Line {
    pub(super) fn new(net: Arc<dyn Net>) -> Self {
        Self { net }
    }
}

impl Exchange for Line {
    fn identity(
        &self,
        at: SocketAddr,
        _host: &Address,
        ours: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>> {
        Box::pin(async move {
            let body = ours.encode();
            let question = Question {
                path: IDENTITY.to_owned(),
                meant_for: None,
                forwarded: false,
                body,
            };
            let reply = ask_at(&*self.net, at, &question).await?;
            Identity::decode(&reply.body).map_err(|error| PollError::NotOurs(error.to_string()))
        })
    }

    fn ask(
        &self,
        to: &Address,
        ask: PeerRequest,
    ) -> BoxFuture<'_, Result<PeerResponse, PollError>> {
        let to = to.clone();
        Box::pin(async move {
            let PeerRequest {
                path,
                meant_for,
                body,
                timeout: limit,
                ..
            } = ask;
            let question = Question {
                path: path.to_owned(),
                meant_for,
                forwarded: false,
                body,
            };
            let asked = timeout(limit, ask_by_name(&*self.net, &to, &question)).await;
            let Reply { status, body } = asked.map_err(|_| PollError::Timeout)??;
            Ok(PeerResponse {
                status,
                body,
                proven: true,
            })
        })
    }

    fn announce(
        &self,
        to: &Address,
        announcement: Announcement,
    ) -> BoxFuture<'_, Result<(), PollError>> {
        let to = to.clone();
        Box::pin(async move {
            let body = serde_json::to_vec(&announcement).expect("JSON");
            let question = Question {
                path: ANNOUNCE.to_owned(),
                meant_for: None,
                forwarded: false,
                body,
            };
            ask_by_name(&*self.net, &to, &question).await.map(drop)
        })
    }
}

/// Asks the addresses of the name in turn, until one is the node that is meant.
async fn ask_by_name(net: &dyn Net, to: &Address, question: &Question) -> Result<Reply, PollError> {
    let found = net
        .resolve(to.host(), to.port())
        .await
        .map_err(PollError::Lookup)?;
    let mut last = Err(PollError::NAME_UNKNOWN);
    for at in found {
        last = ask_at(net, at, question).await;
        if last.as_ref().is_ok_and(|reply| reply.status != 421) {
            break;
        }
    }
    last
}

async fn ask_at(net: &dyn Net, at: SocketAddr, question: &Question) -> Result<Reply, PollError> {
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused => PollError::Refused,
        _ => PollError::Io(error.to_string()),
    };
    let mut stream = net.dial(at).await.map_err(broken)?;
    write(&mut stream, question).await.map_err(broken)?;
    read(&mut stream).await.map_err(broken)
}

/// Answers requests as long as the process lives.
pub(super) async fn serve(env: &Env, at: SocketAddr, cluster: Cluster) {
    let listener = env.net.listen(at).await.expect("the port is free");
    let (tasks, net) = (env.tasks.clone(), env.net.clone());
    env.tasks.detach(accept(listener, cluster, net, tasks));
}

async fn accept(
    mut listener: Box<dyn Listener>,
    cluster: Cluster,
    net: Arc<dyn Net>,
    tasks: Tasks,
) {
    while let Ok(stream) = listener.accept().await {
        let (cluster, net) = (cluster.clone(), net.clone());
        tasks.detach(async move { drop(timeout(PATIENCE, answer(stream, cluster, net)).await) });
    }
}

async fn answer(
    mut stream: Box<dyn Stream>,
    cluster: Cluster,
    net: Arc<dyn Net>,
) -> io::Result<()> {
    let from = stream.peer().ip();
    let question: Question = read(&mut stream).await?;
    let reply = respond(&cluster, &*net, from, question).await;
    write(&mut stream, &reply).await
}

async fn respond(cluster: &Cluster, net: &dyn Net, from: IpAddr, question: Question) -> Reply {
    let ours = cluster.identity().expect("started");
    if question
        .meant_for
        .is_some_and(|who| who != ours.incarnation)
    {
        return Reply {
            status: 421,
            body: br#"{"error":"meant for another node"}"#.to_vec(),
        };
    }
    match question.path.as_str() {
        IDENTITY => {
            if let Ok(theirs) = Identity::decode(&question.body) {
                cluster.hint(&theirs, from);
            }
            return Reply {
                status: 200,
                body: ours.encode(),
            };
        }
        ANNOUNCE => {
            cluster.announced(&serde_json::from_slice(&question.body).expect("an announcement"));
            return Reply {
                status: 204,
                body: Vec::new(),
            };
        }
        _ => {}
    }
    let deadline = Instant::now() + Duration::from_secs(9);
    if let Ok((status, body)) = cluster
        .answer(&question.path, &question.body, from, deadline)
        .await
    {
        return Reply {
            status,
            body: body.to_vec(),
        };
    }
    forward(cluster, net, question)
        .await
        .unwrap_or_else(|| Reply {
            status: 503,
            body: br#"{"error":"no leader"}"#.to_vec(),
        })
}

/// Forwards to the leader, once, as HTTP does, what only the leader answers.
async fn forward(cluster: &Cluster, net: &dyn Net, question: Question) -> Option<Reply> {
    if question.forwarded {
        return None;
    }
    let raft = cluster.raft().ok()?;
    let leader = raft.status().leader?;
    let leader = raft
        .applied()
        .borrow()
        .catalog
        .meta_node_by_raft_id(leader)
        .cloned()?;
    let question = Question {
        forwarded: true,
        meant_for: Some(leader.incarnation),
        ..question
    };
    ask_by_name(net, &leader.http, &question).await.ok()
}

async fn write(stream: &mut Box<dyn Stream>, message: &impl Serialize) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    stream
        .write_all(&u32::try_from(bytes.len()).expect("short").to_be_bytes())
        .await?;
    stream.write_all(&bytes).await
}

async fn read<T: DeserializeOwned>(stream: &mut Box<dyn Stream>) -> io::Result<T> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).await?;
    let mut bytes = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut bytes).await?;
    Ok(serde_json::from_slice(&bytes)?)
}
