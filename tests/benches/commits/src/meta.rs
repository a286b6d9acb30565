//! Three meta nodes on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::load::{self, Figures};

pub struct Meta {
    leader: SocketAddr,
    nodes: Vec<Child>,
    _data: tempfile::TempDir,
}

impl Meta {
    pub async fn start(program: &str) -> Self {
        let data = tempfile::Builder::new().prefix("commits").tempdir_in("/var/tmp").expect("a folder");
        let ips = ["127.9.9.1", "127.9.9.2", "127.9.9.3"];
        let node = |ip: &&str| {
            Command::new(program)
                .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
                .env("INFLUXDB_META_DIR", data.path().join(ip))
                .env("INFLUXDB_META_PEERS", ips.join(","))
                .env("INFLUXDB_META_BIND_ADDRESS", format!("{ip}:8089"))
                .env("INFLUXDB_META_HTTP_BIND_ADDRESS", format!("{ip}:8091"))
                .env("INFLUXDB_LOGGING_LEVEL", "warn")
                .kill_on_drop(true)
                .spawn()
                .expect("influxd-meta starts")
        };
        let nodes = ips.iter().map(node).collect();
        let leader = loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let at: SocketAddr = "127.9.9.1:8091".parse().expect("address");
            let Ok(mut stream) = TcpStream::connect(at).await else { continue };
            let request = b"GET /ping HTTP/1.1\r\nHost: 127.9.9.1:8091\r\nConnection: close\r\n\r\n";
            stream.write_all(request).await.expect("request");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("answer");
            if let Some(leader) = answer.split("\r\n\r\n").nth(1).and_then(|b| b.parse::<SocketAddr>().ok()) {
                break SocketAddr::new(leader.ip(), 8091);
            }
        };
        Self { leader, nodes, _data: data }
    }

    pub async fn run(&self, clients: usize, span: Duration) -> Figures {
        let mut streams = Vec::new();
        for _ in 0..clients {
            let stream = TcpStream::connect(self.leader).await.expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            streams.push(stream);
        }
        let command = [0xba, 0x06, 0x05, 0x0a, 0x03, b'd', b'b', b'0', 0x08, 0x03];
        let head = format!("POST /execute HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", self.leader, command.len());
        let request = [head.as_bytes(), &command].concat();
        load::closed_loop(streams, span, move |mut stream| {
            let request = request.clone();
            async move {
                stream.write_all(&request).await.expect("request");
                read_answer(&mut stream).await;
                stream
            }
        })
        .await
    }

    /// Resident memory of each node.
    pub fn memory(&self) -> String {
        let of = |child: &Child| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()?)).ok()?;
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).map(|rss| rss.trim().to_owned())
        };
        self.nodes.iter().filter_map(of).collect::<Vec<_>>().join(", ")
    }
}

async fn read_answer(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.expect("answer");
        assert!(read > 0, "closed: {:?}", String::from_utf8_lossy(&buffer[..filled]));
        filled += read;
        let Some(end) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.lines().find_map(|l| l.strip_prefix("content-length:")).and_then(|v| v.trim().parse::<usize>().ok());
        if filled >= end + 4 + length.expect("a length") {
            return;
        }
    }
}
