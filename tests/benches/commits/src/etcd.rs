//! Three etcd members on loopback, with default settings.

use std::time::Duration;

use etcd_client::Client;
use tokio::process::{Child, Command};

use crate::load::{self, Figures};

pub struct Etcd {
    leader: String,
    _members: Vec<Child>,
    _data: tempfile::TempDir,
}

/// Maximum number of connections, as many as a sensible client would open.
const MAX_CONNECTIONS: usize = 16;

impl Etcd {
    pub async fn start() -> Self {
        let data = tempfile::Builder::new()
            .prefix("commits")
            .tempdir_in("/var/tmp")
            .expect("a folder");
        let url = |n: usize, port: u16| format!("http://127.9.8.{n}:{port}");
        let cluster: Vec<String> = (1..=3).map(|n| format!("m{n}={}", url(n, 2380))).collect();
        let member = |n: usize| {
            let (client, peer) = (url(n, 2379), url(n, 2380));
            Command::new("etcd")
                .args(["--name", &format!("m{n}"), "--log-level", "error"])
                .arg("--data-dir")
                .arg(data.path().join(format!("m{n}")))
                .args([
                    "--listen-client-urls",
                    &client,
                    "--advertise-client-urls",
                    &client,
                ])
                .args([
                    "--listen-peer-urls",
                    &peer,
                    "--initial-advertise-peer-urls",
                    &peer,
                ])
                .args([
                    "--initial-cluster",
                    &cluster.join(","),
                    "--initial-cluster-state",
                    "new",
                ])
                .kill_on_drop(true)
                .spawn()
                .expect("etcd starts (Debian: etcd-server)")
        };
        let members = (1..=3).map(member).collect();
        let leader = loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if let Some(leader) = find_leader(&url).await {
                break leader;
            }
        };
        Self {
            leader,
            _members: members,
            _data: data,
        }
    }

    pub async fn run(&self, clients: usize, span: Duration) -> Figures {
        let mut connections = Vec::new();
        for _ in 0..clients.min(MAX_CONNECTIONS) {
            connections.push(
                Client::connect([&self.leader], None)
                    .await
                    .expect("connect"),
            );
        }
        let clients = (0..clients)
            .map(|n| connections[n % connections.len()].clone())
            .collect();
        load::closed_loop(clients, span, |mut client: Client| async move {
            client.put("db0", "db0", None).await.expect("put");
            client
        })
        .await
    }
}

async fn find_leader(url: &impl Fn(usize, u16) -> String) -> Option<String> {
    for n in 1..=3 {
        let mut client = Client::connect([url(n, 2379)], None).await.ok()?;
        let status = client.status().await.ok()?;
        if status.leader() != 0 && status.header()?.member_id() == status.leader() {
            return Some(url(n, 2379));
        }
    }
    None
}
