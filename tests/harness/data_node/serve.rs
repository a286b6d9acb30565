//! Port 8088 of the node: finds out the protocol and the call, and applies the behaviour set
//! for it.

use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use influxdb_meta::wire::data_node::{DataNodeStatus, HEADER_BYTES, MUX, MessageType, RpcHeader};

use super::behaviour::{Behaviour, On};
use super::calls;
use super::sockets::{Duplex, Secured, Socket};
use super::state::Shared;

/// Timeout for the first byte of a connection.
const FIRST_BYTE: Duration = Duration::from_secs(30);

/// Request between data nodes whose answer is a stream of files.
const BACKUP_SHARD: u8 = 31;

/// Accepts connections until the node stops.
pub fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.look(|state| state.stopped) {
            return;
        }
        let Ok(socket) = shared.sockets.keep(stream) else {
            return;
        };
        let shared = shared.clone();
        // An error on a connection ends it, which the caller sees.
        std::thread::spawn(move || drop(serve(&shared, socket)));
    }
}

fn serve(shared: &Shared, socket: Socket) -> io::Result<()> {
    let tcp = socket.tcp().try_clone()?;
    let mut socket: Box<dyn Duplex> = match &shared.options.tls {
        Some(tls) => Box::new(Secured::new(tls.clone(), socket)?),
        None => Box::new(socket),
    };
    // The TLS handshake comes with the first byte.
    tcp.set_read_timeout(Some(FIRST_BYTE))?;
    let mut first = [0];
    socket.read_exact(&mut first)?;
    tcp.set_read_timeout(None)?;
    match first[0] {
        MUX => serve_call(shared, &mut *socket),
        // Backups: not implemented here.
        0x03 => Ok(()),
        byte => serve_http(shared, &mut *socket, byte),
    }
}

/// Serves one call; unknown types are skipped, byte by byte.
fn serve_call(shared: &Shared, socket: &mut dyn Duplex) -> io::Result<()> {
    loop {
        let mut kind = [0];
        socket.read_exact(&mut kind)?;
        match (kind[0], MessageType::of_request(kind[0])) {
            (BACKUP_SHARD, _) => {
                let body = read_body(socket, BACKUP_SHARD)?;
                return calls::backup_shard(shared, socket, &body);
            }
            (byte, Some(kind)) => {
                let body = if kind.has_body() {
                    read_body(socket, byte)?
                } else {
                    Vec::new()
                };
                return calls::serve(shared, socket, kind, &body);
            }
            (_, None) => {}
        }
    }
}

fn read_body(socket: &mut dyn Duplex, kind: u8) -> io::Result<Vec<u8>> {
    let mut header = [kind; HEADER_BYTES];
    socket.read_exact(&mut header[1..])?;
    let header = RpcHeader::decode(header).map_err(io::Error::other)?;
    let mut body = Vec::new();
    let read = socket.take(header.length as u64).read_to_end(&mut body)?;
    if read < header.length {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok(body)
    }
}

fn serve_http(shared: &Shared, socket: &mut dyn Duplex, first: u8) -> io::Result<()> {
    let mut head = vec![first];
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
        // No request line is that long, and a TLS handshake has no end of line.
        if head.len() > 16 << 10 || !head[0].is_ascii_uppercase() {
            return Ok(());
        }
    }
    if !head.starts_with(b"GET /status ") {
        return write_http(socket, "200 OK", "");
    }
    shared.change(|state| state.heard.push("GET /status".to_owned()));
    match await_behaviour(shared, socket, On::Status)? {
        Some(Behaviour::Failing(text)) => write_http(socket, "500 Internal Server Error", &text),
        Some(Behaviour::Normal) => {
            let body = serde_json::to_string(&status(shared)).expect("JSON") + "\n";
            write_http(socket, "200 OK", &body)
        }
        _ => Ok(()),
    }
}

fn write_http(socket: &mut dyn Duplex, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    socket.write_all((head + body).as_bytes())
}

pub fn status(shared: &Shared) -> DataNodeStatus {
    let port = shared.tcp_addr.rsplit(':').next().unwrap_or_default();
    let (servers, id) = shared.look(|state| (state.servers.clone(), state.node_id));
    let joined = id > 0 && !servers.is_empty();
    DataNodeStatus {
        node_type: "data".to_owned(),
        hostname: shared.options.hostname.clone(),
        tcp_bind: format!(":{port}"),
        tcp_addr: shared.tcp_addr.clone(),
        http_addr: shared.options.http_addr.clone(),
        node_status: if joined { "joined" } else { "disjoined" }.to_owned(),
        meta_addrs: (!servers.is_empty()).then_some(servers),
    }
}

/// Waits as the set behaviour says, and performs those behaviours that replace the call. Returns
/// the one that the caller has to apply (`Normal`, `Failing` or `ActThenHangUp`), or `None` when
/// the call is over.
pub fn await_behaviour(
    shared: &Shared,
    socket: &mut dyn Duplex,
    on: On,
) -> io::Result<Option<Behaviour>> {
    let behaviour = shared.wait(None, |state| {
        Some(state.behaviours.of(on)).filter(|behaviour| *behaviour != Behaviour::Held)
    });
    match behaviour {
        Ok(Behaviour::Slow(time)) => {
            let _slept = shared.wait::<()>(Some(time), |_| None);
            Ok(Some(Behaviour::Normal))
        }
        Ok(Behaviour::Silent) => {
            // Until the caller gives up, or the node stops.
            let _gone = socket.read(&mut [0]);
            Ok(None)
        }
        Ok(Behaviour::Raw(bytes)) => socket.write_all(&bytes).map(|()| None),
        Ok(Behaviour::HangUp) | Err(_) => Ok(None),
        Ok(other) => Ok(Some(other)),
    }
}
