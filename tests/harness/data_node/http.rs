//! HTTP/1.1 as Go's client speaks it: idle connections are reused, gzipped answers are accepted,
//! redirects are followed with the same method and body and a new token.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use socket2::{SockRef, TcpKeepalive};

use super::jwt;
use super::sockets::{Socket, Sockets};

pub struct Http {
    sockets: Sockets,
    /// Secret that signs internal tokens, if set.
    secret: Option<String>,
    /// Interval of the keep-alive probes to a silent peer.
    probes: Duration,
    idle: Mutex<HashMap<String, Vec<Idle>>>,
}

struct Idle {
    connection: BufReader<Socket>,
    since: Instant,
}

#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub agent: &'a str,
    /// Content type and content.
    pub body: Option<(&'a str, &'a [u8])>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Headers with names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// User agent of the meta client.
pub const META_CLIENT: &str = "InfluxDB Meta Client";

const DIAL: Duration = Duration::from_secs(30);
/// Interval of keep-alive probes, as in Go's default transport, which gives up after nine. They are
/// the only end of a long poll when a host vanishes.
const PROBES: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(90);
const REDIRECTS: usize = 10;

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl<'a> Ask<'a> {
    pub fn get(target: &'a str) -> Self {
        Self {
            method: "GET",
            target,
            agent: META_CLIENT,
            body: None,
        }
    }

    fn head(&self, host: &str, token: Option<String>) -> String {
        let Self {
            method,
            target,
            agent,
            body,
        } = self;
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n");
        if let Some((_, content)) = body {
            head += &format!("Content-Length: {}\r\n", content.len());
        }
        if let Some(token) = token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if let Some((kind, _)) = body {
            head += &format!("Content-Type: {kind}\r\n");
        }
        head + "Accept-Encoding: gzip\r\n\r\n"
    }
}

impl Http {
    /// Makes a client whose delays are `pace` times shorter than a real one's.
    pub fn new(sockets: Sockets, secret: Option<String>, pace: u32) -> Self {
        // Whole seconds, as the kernel counts them.
        let probes = (PROBES / pace).max(Duration::from_secs(1));
        Self {
            sockets,
            secret,
            probes,
            idle: Mutex::default(),
        }
    }

    /// Asks `host` and follows at most ten redirects.
    pub fn follow(&self, host: &str, ask: Ask) -> Result<Answer, String> {
        let (mut host, mut target) = (host.to_owned(), ask.target.to_owned());
        for _ in 0..=REDIRECTS {
            let answer = self.call(
                &host,
                Ask {
                    target: &target,
                    ..ask
                },
            )?;
            if !matches!(answer.status, 307 | 308) {
                return Ok(answer);
            }
            let location = answer
                .header("location")
                .ok_or("307 response missing Location header")?;
            let rest = location.strip_prefix("http://").ok_or_else(|| {
                format!("a Location that old clients cannot follow: {location:?}")
            })?;
            let (to, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (host, target) = (
                to.to_owned(),
                if path.is_empty() {
                    "/".to_owned()
                } else {
                    path.to_owned()
                },
            );
        }
        Err(format!("stopped after {REDIRECTS} redirects"))
    }

    /// Sends one request and returns its answer.
    pub fn call(&self, host: &str, ask: Ask) -> Result<Answer, String> {
        let named = |error: String| {
            format!(
                "{} \"http://{host}{}\": {error}",
                title(ask.method),
                ask.target
            )
        };
        if let Some(idle) = self.take_idle(host) {
            match self.exchange(idle, host, ask) {
                // Only idempotent requests are retried by the client itself.
                Err(_) if ask.method == "GET" => {}
                done => return done.map_err(named),
            }
        }
        let dialled = self.dial(host).map_err(named)?;
        self.exchange(dialled, host, ask).map_err(named)
    }

    fn exchange(
        &self,
        mut connection: BufReader<Socket>,
        host: &str,
        ask: Ask,
    ) -> Result<Answer, String> {
        let token = self.secret.as_deref().map(jwt::token);
        let mut bytes = ask.head(host, token).into_bytes();
        bytes.extend_from_slice(ask.body.map_or(&[][..], |(_, content)| content));
        connection
            .get_mut()
            .write_all(&bytes)
            .map_err(|error| error.to_string())?;
        let (answer, is_reusable) = read(&mut connection)?;
        if is_reusable {
            let idle = Idle {
                connection,
                since: Instant::now(),
            };
            self.idle
                .lock()
                .expect("no panic")
                .entry(host.to_owned())
                .or_default()
                .push(idle);
        }
        Ok(answer)
    }

    fn take_idle(&self, host: &str) -> Option<BufReader<Socket>> {
        let mut idle = self.idle.lock().expect("no panic");
        let list = idle.get_mut(host)?;
        while let Some(Idle { connection, since }) = list.pop() {
            if since.elapsed() < IDLE
                && connection.buffer().is_empty()
                && !connection.get_ref().is_stale()
            {
                return Some(connection);
            }
        }
        None
    }

    fn dial(&self, host: &str) -> Result<BufReader<Socket>, String> {
        let stream = dial(host, DIAL)?;
        let keepalive = TcpKeepalive::new()
            .with_time(self.probes)
            .with_interval(self.probes);
        SockRef::from(&stream)
            .set_tcp_keepalive(&keepalive)
            .map_err(|error| error.to_string())?;
        self.sockets
            .keep(stream)
            .map(BufReader::new)
            .map_err(|error| error.to_string())
    }
}

/// Connects to the first address of the name that accepts.
pub fn dial(host: &str, within: Duration) -> Result<TcpStream, String> {
    let addresses = host
        .to_socket_addrs()
        .map_err(|error| format!("dial tcp: lookup {host}: {error}"))?;
    let mut last = format!("dial tcp: lookup {host}: no such host");
    for address in addresses {
        match TcpStream::connect_timeout(&address, within) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("dial tcp {address}: connect: {error}"),
        }
    }
    Err(last)
}

/// `Get`, `Post`: as in Go's error texts.
fn title(method: &str) -> String {
    let (first, rest) = method.split_at(1);
    first.to_owned() + &rest.to_ascii_lowercase()
}

/// Reads an answer, and returns also whether another request may follow on its connection.
fn read(connection: &mut impl BufRead) -> Result<(Answer, bool), String> {
    let first = line(connection)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("malformed HTTP response {first:?}"))?;
    let mut headers = Vec::new();
    loop {
        let line = line(connection)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("malformed MIME header {line:?}"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let ends_with_connection = read_body(connection, &mut answer)?;
    let closes = answer
        .header("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if answer.header("content-encoding") == Some("gzip") {
        let mut plain = Vec::new();
        let gunzipped = GzDecoder::new(&answer.body[..]).read_to_end(&mut plain);
        gunzipped.map_err(|error| format!("gzip: {error}"))?;
        answer.body = plain;
    }
    Ok((answer, !closes && !ends_with_connection))
}

fn read_body(connection: &mut impl BufRead, answer: &mut Answer) -> Result<bool, String> {
    let text = |error: std::io::Error| error.to_string();
    if matches!(answer.status, 100..=199 | 204 | 304) {
        return Ok(false);
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = line(connection)?;
            let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16);
            let size = size.map_err(|_| "invalid byte in chunk length".to_owned())?;
            exactly(connection, size, &mut answer.body)?;
            line(connection)?;
            if size == 0 {
                return Ok(false);
            }
        }
    }
    match answer.header("content-length").map(str::parse) {
        Some(Ok(length)) => exactly(connection, length, &mut answer.body).map(|()| false),
        Some(Err(_)) => Err("bad Content-Length".to_owned()),
        None => connection
            .read_to_end(&mut answer.body)
            .map(|_| true)
            .map_err(text),
    }
}

fn exactly(connection: &mut impl BufRead, length: u64, out: &mut Vec<u8>) -> Result<(), String> {
    let read = connection
        .take(length)
        .read_to_end(out)
        .map_err(|error| error.to_string())?;
    if read as u64 == length {
        Ok(())
    } else {
        Err("unexpected EOF".to_owned())
    }
}

fn line(connection: &mut impl BufRead) -> Result<String, String> {
    let mut line = Vec::new();
    connection
        .read_until(b'\n', &mut line)
        .map_err(|error| error.to_string())?;
    let text = line.strip_suffix(b"\n").ok_or("EOF")?;
    Ok(String::from_utf8_lossy(text.strip_suffix(b"\r").unwrap_or(text)).into_owned())
}
