//! The model of a data node as a program of its own, for containers that run beside the image:
//!
//! ```text
//! cargo rustc --example data-node -- -C target-feature=+crt-static
//!                             builds one static file, which needs no base image (FROM scratch)
//! data-node run [dir]         serves 8088 for meta nodes, and 8086 for the test that controls it;
//!                             its name is HOSTNAME
//! data-node ask GET /model    prints its state as JSON; `docker exec data-1 /data-node ask …`
//! ```
//!
//! `GET /model`; `POST /create-database?name=`, `/write?db=&rp=&time=`, `/lease?name=`,
//! `/behaviour?on=&behaviour=`. The answer is 200, or 400 with the cause.
//! `META_INTERNAL_SHARED_SECRET` signs its requests; `CERTIFICATE` names a PEM file with
//! certificate and key for TLS on 8088; `PACE` makes its delays that many times shorter (1: as in a
//! real data node).
#![allow(
    clippy::disallowed_methods,
    reason = "this stands in for another program"
)]
#![allow(unreachable_pub, reason = "a program exports nothing")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests read it")]

#[path = "../harness/data_node/mod.rs"]
mod data_node;

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use data_node::{Behaviour, DataNode, On, Options};
use influxdb_meta::wire::data_node::MessageType;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

const DRIVE: u16 = 8086;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run"] => run("/var/lib/influxdb"),
        ["run", dir] => run(dir),
        ["ask", method, target] => match ask(method, target) {
            Ok((200, body)) => {
                println!("{body}");
                ExitCode::SUCCESS
            }
            Ok((_, text)) | Err(text) => {
                eprintln!("{text}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("data-node run [dir] | data-node ask GET|POST <path>");
            ExitCode::from(64)
        }
    }
}

fn run(dir: &str) -> ExitCode {
    let host = env::var("HOSTNAME").expect("HOSTNAME names this node");
    let mut options = Options::at(&PathBuf::from(dir), Ipv4Addr::UNSPECIFIED.into());
    options.tcp_addr = Some(format!("{host}:8088"));
    options.http_addr = format!("{host}:{DRIVE}");
    options.hostname = host;
    options.secret = env::var("META_INTERNAL_SHARED_SECRET").ok();
    options.pace = env::var("PACE").map_or(1, |pace| pace.parse().expect("PACE is a number"));
    options.tls = env::var("CERTIFICATE")
        .ok()
        .map(|path| Arc::new(certificate(&path)));
    let node = Arc::new(DataNode::start(options));
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, DRIVE)).expect("8086 is free");
    for stream in listener.incoming().flatten() {
        let node = node.clone();
        // A request that waits for the cluster does not block other requests. The caller may have
        // gone.
        thread::spawn(move || drop(drive(&node, stream)));
    }
    ExitCode::SUCCESS
}

/// Reads certificate and key from one PEM file.
fn certificate(path: &str) -> rustls::ServerConfig {
    let pem = std::fs::read(path).expect("CERTIFICATE is a file");
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(&pem).expect("a key beside them");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let versions = builder
        .with_safe_default_protocol_versions()
        .expect("TLS 1.3");
    versions
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a key that fits")
}

fn drive(node: &DataNode, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut line) = (String::new(), String::from("-"));
    reader.read_line(&mut first)?;
    while !line.trim_end().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let mut words = first.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (status, body) = match answer(node, method, target) {
        Ok(body) => ("200 OK", body),
        Err(text) => ("400 Bad Request", text),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all((head + &body).as_bytes())
}

fn answer(node: &DataNode, method: &str, target: &str) -> Result<String, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: BTreeMap<&str, &str> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let given = |name: &str| {
        query
            .get(name)
            .copied()
            .ok_or_else(|| format!("{name} is missing"))
    };
    match (method, path) {
        ("GET", "/ping") => Ok(String::new()),
        ("GET", "/model") => Ok(shown(node)),
        ("POST", "/create-database") => node
            .create_database(given("name")?)
            .map(|()| "{}".to_owned()),
        ("POST", "/write") => {
            let time = given("time")?
                .parse()
                .map_err(|_| "time is no number of ns".to_owned())?;
            let policy = query.get("rp").copied().unwrap_or_default();
            let group = node.write(given("db")?, policy, time)?;
            let shards: Vec<_> = group
                .shards
                .iter()
                .map(|shard| json!([shard.id, shard.owners]))
                .collect();
            Ok(json!({ "group": group.id, "shards": shards }).to_string())
        }
        ("POST", "/lease") => node
            .acquire_lease(given("name")?)
            .map(|lease| json!(lease.owner).to_string()),
        ("POST", "/behaviour") => {
            node.set_behaviour(on(given("on")?)?, behaviour(given("behaviour")?)?);
            Ok("{}".to_owned())
        }
        _ => Err(format!("no {method} {path} here")),
    }
}

fn shown(node: &DataNode) -> String {
    let data = node.cached();
    let held: BTreeMap<_, _> = node
        .shards()
        .into_iter()
        .map(|(shard, held)| (shard, held.size))
        .collect();
    json!({
        "id": node.id(),
        "index": data.index,
        "metaServers": node.meta_servers(),
        "dataNodes": data.data_nodes.iter()
            .map(|node| json!([node.id, node.tcp_addr])).collect::<Vec<_>>(),
        "databases": data.databases.iter().map(|database| &database.name).collect::<Vec<_>>(),
        "shards": held,
        "heard": node.heard(),
        "announced": node.announced(),
        "complaints": node.complaints(),
    })
    .to_string()
}

fn on(name: &str) -> Result<On, String> {
    match name {
        "status" => Ok(On::Status),
        "BackupShard" => Ok(On::BackupShard),
        _ => {
            let kind = MessageType::ALL
                .into_iter()
                .find(|kind| kind.to_string() == name);
            kind.map(On::Call).ok_or_else(|| format!("no call {name}"))
        }
    }
}

fn behaviour(name: &str) -> Result<Behaviour, String> {
    Ok(match name {
        "normal" => Behaviour::Normal,
        "held" => Behaviour::Held,
        "failing" => Behaviour::Failing("told to fail".to_owned()),
        "silent" => Behaviour::Silent,
        "hang-up" => Behaviour::HangUp,
        "act-then-hang-up" => Behaviour::ActThenHangUp,
        _ => return Err(format!("no behaviour {name}")),
    })
}

fn ask(method: &str, target: &str) -> Result<(u16, String), String> {
    let text = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, DRIVE)).map_err(text)?;
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    .map_err(text)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(text)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no whole answer")?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or("no status")?;
    Ok((status, body.to_owned()))
}
