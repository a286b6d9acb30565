//! One HTTP/1.1 request on one connection, without following redirects: exactly what a test sends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// Headers with names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {:?}", self.text()))
    }
}

pub fn get(at: SocketAddr, path: &str) -> Result<Response, String> {
    request(
        at,
        "GET",
        path,
        &at.to_string(),
        &[],
        Duration::from_secs(5),
    )
}

pub fn post(at: SocketAddr, path: &str, body: &[u8]) -> Result<Response, String> {
    request(
        at,
        "POST",
        path,
        &at.to_string(),
        body,
        Duration::from_secs(35),
    )
}

/// Sends one request with this `Host` and reads the whole answer.
pub fn request(
    at: SocketAddr,
    method: &str,
    path: &str,
    host: &str,
    body: &[u8],
    within: Duration,
) -> Result<Response, String> {
    request_with(at, method, path, &format!("Host: {host}\r\n"), body, within)
}

/// Sends one request with these headers, which include `Host`, and reads the whole answer.
pub fn request_with(
    at: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
    within: Duration,
) -> Result<Response, String> {
    let mut stream = send(at, &format!("{method} {path} HTTP/1.1\r\n{headers}"), body)?;
    receive(at, &mut stream, within)
}

/// Sends a request with this first line and these headers, and does not wait for the answer.
pub fn send(at: SocketAddr, head: &str, body: &[u8]) -> Result<TcpStream, String> {
    let text = |e: std::io::Error| format!("{at}: {e}");
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(2)).map_err(text)?;
    let length = body.len();
    let head = format!("{head}Connection: close\r\nContent-Length: {length}\r\n\r\n");
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body))
        .map_err(text)?;
    Ok(stream)
}

/// Reads the whole answer on such a connection.
pub fn receive(
    at: SocketAddr,
    stream: &mut TcpStream,
    within: Duration,
) -> Result<Response, String> {
    let text = |e: std::io::Error| format!("{at}: {e}");
    stream.set_read_timeout(Some(within)).map_err(text)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(text)?;
    parse(&bytes).ok_or_else(|| {
        format!(
            "{at}: no whole answer: {:?}",
            String::from_utf8_lossy(&bytes)
        )
    })
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let split = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..split]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[split + 4..];
    let find = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let body = if find("transfer-encoding") == Some("chunked") {
        dechunk(rest)?
    } else {
        let length: usize = find("content-length").map_or(Some(rest.len()), |v| v.parse().ok())?;
        rest.get(..length)?.to_vec()
    };
    Some(Response {
        status,
        headers,
        body,
    })
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
