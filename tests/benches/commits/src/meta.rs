//! Three meta nodes on loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::connection::Connection;
use crate::load::{self, Figures};
use crate::work::Work;

pub struct Meta {
    pub nodes: Vec<SocketAddr>,
    leader: SocketAddr,
    processes: Vec<Child>,
    _data: tempfile::TempDir,
}

impl Meta {
    /// Starts the nodes on this network; two clusters that run at once need different networks.
    pub async fn start(program: &str, network: u8) -> Self {
        let data = tempfile::Builder::new()
            .prefix("commits")
            .tempdir_in("/var/tmp")
            .expect("a folder");
        let ips = [1, 2, 3].map(|n| IpAddr::V4(Ipv4Addr::new(127, 9, network, n)));
        let peers = ips.map(|ip| ip.to_string()).join(",");
        let node = |ip: &IpAddr| {
            Command::new(program)
                .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
                .env("INFLUXDB_META_DIR", data.path().join(ip.to_string()))
                .env("INFLUXDB_META_PEERS", &peers)
                .env("INFLUXDB_META_BIND_ADDRESS", format!("{ip}:8089"))
                .env("INFLUXDB_META_HTTP_BIND_ADDRESS", format!("{ip}:8091"))
                .env("INFLUXDB_LOGGING_LEVEL", "error")
                .kill_on_drop(true)
                .spawn()
                .expect("influxd-meta starts")
        };
        let processes = ips.iter().map(node).collect();
        let nodes: Vec<_> = ips.iter().map(|ip| SocketAddr::new(*ip, 8091)).collect();
        let leader = loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if let Some(leader) = find_leader(nodes[0]).await {
                break leader;
            }
        };
        Self {
            nodes,
            leader,
            processes,
            _data: data,
        }
    }

    pub async fn leader(&self) -> Connection {
        Connection::open(self.leader).await
    }

    pub async fn run(&self, clients: usize, span: Duration, work: &Work) -> Figures {
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(self.leader().await);
        }
        let work = work.clone();
        load::closed_loop(connections, span, move |mut connection| {
            let command = work.next();
            async move {
                connection.execute(&command).await;
                connection
            }
        })
        .await
    }

    /// Executes all commands, over so many connections.
    pub async fn fill(&self, clients: usize, commands: Vec<Vec<u8>>) {
        let mut tasks = Vec::new();
        for part in commands.chunks(commands.len().div_ceil(clients).max(1)) {
            let (part, mut connection) = (part.to_vec(), self.leader().await);
            tasks.push(tokio::spawn(async move {
                for command in part {
                    connection.execute(&command).await;
                }
            }));
        }
        for task in tasks {
            task.await.expect("a client");
        }
    }

    /// Resident memory of each node.
    pub fn memory(&self) -> Vec<String> {
        let of = |child: &Child| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()?)).ok()?;
            status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))
                .map(|rss| rss.trim().to_owned())
        };
        self.processes.iter().filter_map(of).collect()
    }
}

/// Waits until the nodes are gone, because the next ones may have the same addresses.
impl Drop for Meta {
    fn drop(&mut self) {
        for child in &mut self.processes {
            child.start_kill().expect("a process of ours");
            while child.try_wait().expect("a process of ours").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

async fn find_leader(at: SocketAddr) -> Option<SocketAddr> {
    let mut stream = TcpStream::connect(at).await.ok()?;
    let request = format!("GET /ping HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answer");
    let leader: SocketAddr = answer.split("\r\n\r\n").nth(1)?.parse().ok()?;
    Some(SocketAddr::new(leader.ip(), 8091))
}
