//! A server on a network in memory that follows a script on each connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::data_node::{DataNodes, DataNodesConfig};
use influxdb_meta::runtime::net::Stream;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::{Env, SystemRng, TaskHandle, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

pub(super) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub(super) const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

/// Steps on a connection, in order; after the last one it is closed.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Reads this many bytes, or fewer if the other side ends first.
    Read(usize),
    Write(Vec<u8>),
    Wait(Duration),
    /// Keeps the connection open and sends nothing more.
    Hang,
}

/// A node called `d1` whose 8088 follows a script, and a client that reaches it.
pub(super) struct Scripted {
    pub(super) network: Network,
    pub(super) nodes: DataNodes,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    _accepting: TaskHandle<()>,
}

/// A deadline far away, for calls that are not about deadlines.
pub(super) fn in_time() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

pub(super) fn d1() -> Address {
    Address::new("d1", 8088)
}

pub(super) async fn network() -> (Network, DataNodes) {
    let network = Network::new(
        Arc::new(SystemRng),
        Duration::from_micros(100)..Duration::from_micros(200),
    );
    let env = Env {
        net: network.host(HERE),
        ..Env::real()
    };
    let nodes = DataNodes::open(&env, &DataNodesConfig::default())
        .await
        .expect("without TLS");
    (network, nodes)
}

impl Scripted {
    pub(super) async fn start(script: Vec<Step>) -> Self {
        let (network, nodes) = network().await;
        network.name("d1", &[THERE]);
        let listener = network
            .host(THERE)
            .listen(SocketAddr::new(THERE, 8088))
            .await;
        let mut listener = listener.expect("a free port");
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let (tasks, log) = (Tasks::inline(), heard.clone());
        let accepting = tasks.clone().spawn(async move {
            while let Ok(stream) = listener.accept().await {
                tasks.detach(play(stream, script.clone(), log.clone()));
            }
        });
        Self {
            network,
            nodes,
            heard,
            _accepting: accepting,
        }
    }

    /// Bytes received on each connection, up to where the script stopped reading.
    pub(super) fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().expect("no panic").clone()
    }
}

async fn play(mut stream: Box<dyn Stream>, script: Vec<Step>, log: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut came = Vec::new();
    for step in script {
        match step {
            Step::Read(length) => {
                // Fewer bytes if the other side has gone.
                let _ended = (&mut stream)
                    .take(length as u64)
                    .read_to_end(&mut came)
                    .await;
                log.lock().expect("no panic").push(came.clone());
            }
            Step::Write(bytes) => {
                // A client that has gone does not read them.
                let _gone = stream.write_all(&bytes).await;
            }
            Step::Wait(duration) => tokio::time::sleep(duration).await,
            Step::Hang => std::future::pending().await,
        }
    }
    let _gone = stream.shutdown().await;
}
