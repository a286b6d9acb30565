//! A scripted server, on real sockets or on a network in memory.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::runtime::net::{Net, Stream};
use influxdb_meta::runtime::{TaskHandle, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A request that the server got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Method and path: `GET /status`.
    pub(super) what: String,
    /// Headers as `name: value`, with names in lower case.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
    /// Number of the connection at this server, from 0.
    pub(super) connection: usize,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.headers
            .iter()
            .find_map(|header| header.strip_prefix(&prefix))
    }
}

/// Reaction of the server.
pub(super) enum Reply {
    /// Answers; the connection stays open.
    Http(u16, Vec<(&'static str, String)>, String),
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Keeps the connection open and sends nothing.
    Silence,
    /// Answers 204 once the counter has come to this number.
    Held(Arc<AtomicUsize>, usize),
}

pub(super) fn json(body: &str) -> Reply {
    status(200, body)
}

pub(super) fn status(status: u16, body: &str) -> Reply {
    Reply::Http(
        status,
        vec![("content-type", "application/json".to_owned())],
        body.to_owned(),
    )
}

/// Answer of our meta node when it does not know the outcome.
pub(super) fn unknown(error: &str) -> Reply {
    let headers = vec![("influxd-meta-outcome", "unknown".to_owned())];
    Reply::Http(503, headers, format!(r#"{{"error":"{error}"}}"#))
}

pub(super) fn redirect(location: String) -> Reply {
    Reply::Http(307, vec![("location", location)], String::new())
}

/// A server that stops listening when dropped.
pub(super) struct Server {
    pub(super) local: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    _accepting: TaskHandle<()>,
}

type Script = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

impl Server {
    pub(super) async fn start(
        net: &dyn Net,
        at: SocketAddr,
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let mut listener = net.listen(at).await.expect("a free port");
        let local = listener.local();
        let (asked, script): (Arc<Mutex<Vec<Asked>>>, Script) = (Arc::default(), Arc::new(script));
        let log = asked.clone();
        let tasks = Tasks::inline();
        let accepting = tasks.clone().spawn(async move {
            let mut connection = 0;
            while let Ok(stream) = listener.accept().await {
                tasks.detach(serve(stream, connection, script.clone(), log.clone()));
                connection += 1;
            }
        });
        Self {
            local,
            asked,
            _accepting: accepting,
        }
    }

    pub(super) fn address(&self) -> Address {
        Address::new(&self.local.ip().to_string(), self.local.port())
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// First lines of all requests so far.
    pub(super) fn heard(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).collect()
    }
}

async fn serve(
    mut stream: Box<dyn Stream>,
    connection: usize,
    script: Script,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    let mut buffer = Vec::new();
    while let Some(asked) = next(&mut stream, &mut buffer, connection).await {
        log.lock().expect("no panic").push(asked.clone());
        let reply = match script(&asked) {
            Reply::Held(counter, number) => {
                while counter.load(Ordering::SeqCst) < number {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Reply::Http(204, Vec::new(), String::new())
            }
            other => other,
        };
        match reply {
            Reply::Http(status, headers, body) => {
                let headers: String = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}\r\n"))
                    .collect();
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n{body}"
                );
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Bytes(bytes) => {
                // A client that has gone does not read them.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Silence | Reply::Held(..) => std::future::pending().await,
        }
    }
}

/// Reads the next whole request; `None` at the end of the stream.
async fn next(
    stream: &mut Box<dyn Stream>,
    buffer: &mut Vec<u8>,
    connection: usize,
) -> Option<Asked> {
    loop {
        if let Some((asked, length)) = parse(buffer, connection) {
            buffer.drain(..length);
            return Some(asked);
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => buffer.extend_from_slice(&chunk[..read]),
            _ => return None,
        }
    }
}

fn parse(buffer: &[u8], connection: usize) -> Option<(Asked, usize)> {
    let end = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&buffer[..end]);
    let mut lines = head.split("\r\n");
    let first = lines.next()?;
    let headers: Vec<String> = lines
        .map(|line| match line.split_once(':') {
            Some((name, value)) => format!("{}: {}", name.to_ascii_lowercase(), value.trim()),
            None => line.to_owned(),
        })
        .collect();
    let length = headers
        .iter()
        .find_map(|header| header.strip_prefix("content-length: "));
    let whole = end + 4 + length.map_or(0, |length| length.parse().expect("a length"));
    let body = String::from_utf8_lossy(buffer.get(end + 4..whole)?).into_owned();
    let what = first
        .strip_suffix(" HTTP/1.1")
        .expect("HTTP/1.1")
        .to_owned();
    Some((
        Asked {
            what,
            headers,
            body,
            connection,
        },
        whole,
    ))
}
