//! Runs the built `influxd-ctl` against servers on loopback.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use influxdb_meta::runtime::Env;

use super::server::{Asked, Reply, Server};

/// Result of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: Option<i32>,
}

/// Fields of a form by which a node learns who orders a removal, and from which host.
pub(super) fn order(command: &str) -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    let fields = [("command", command), ("host", &*host)];
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// Runs it without answers to its questions: stdin has ended.
pub(super) fn ctl(args: &[&str]) -> Ran {
    ctl_answered(args, "")
}

pub(super) fn ctl_answered(args: &[&str], answers: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_influxd-ctl"));
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    // A run that asks nothing may have ended before the answers are written.
    let _ = child
        .stdin
        .take()
        .expect("piped")
        .write_all(answers.as_bytes());
    let output = child.wait_with_output().expect("ends");
    Ran {
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
        code: output.status.code(),
    }
}

/// Runs it with a terminal as stdout and stderr, with these variables. Returns what the terminal
/// got.
pub(super) fn ctl_at_terminal(args: &[&str], variables: &[(&str, &str)]) -> String {
    let line = [env!("CARGO_BIN_EXE_influxd-ctl")];
    let line: Vec<&str> = line.iter().chain(args).copied().collect();
    let output = Command::new("script")
        .args(["-qec", &line.join(" "), "/dev/null"])
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("script, of Debian's package bsdutils");
    let got = String::from_utf8(output.stdout).expect("text");
    // The terminal ends lines so.
    got.replace("\r\n", "\n")
}

/// Servers on real sockets, served from a thread of their own while the test blocks.
pub(super) struct Net {
    runtime: tokio::runtime::Runtime,
}

impl Net {
    pub(super) fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self {
            runtime: builder
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    pub(super) fn serve(&self, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        self.serve_at(([127, 0, 0, 1], 0).into(), script)
    }

    pub(super) fn serve_at(
        &self,
        at: SocketAddr,
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Server {
        self.runtime
            .block_on(async { Server::start(&*Env::real().net, at, script).await })
    }
}

/// A port that is taken, so that no other test gets it, and on which nothing listens.
pub(super) struct Nobody {
    pub(super) address: String,
    _socket: socket2::Socket,
}

impl Nobody {
    pub(super) fn new() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)
            .expect("a socket");
        let loopback: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&loopback.into()).expect("binds");
        let address = socket
            .local_addr()
            .expect("bound")
            .as_socket()
            .expect("an IP address");
        Self {
            address: address.to_string(),
            _socket: socket,
        }
    }
}

/// Runs `influxd-ctl -bind <server> …`; in the returned output the server's address is replaced by
/// `BIND`.
pub(super) fn ctl_at(server: &Server, args: &[&str]) -> Ran {
    answered_at(server, args, "")
}

pub(super) fn answered_at(server: &Server, args: &[&str], answers: &str) -> Ran {
    let bind = server.local.to_string();
    let args: Vec<&str> = ["-bind", bind.as_str()]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let ran = ctl_answered(&args, answers);
    Ran {
        stdout: ran.stdout.replace(&bind, "BIND"),
        stderr: ran.stderr.replace(&bind, "BIND"),
        code: ran.code,
    }
}

/// A successful run with this output.
pub(super) fn done(stdout: &str) -> Ran {
    Ran {
        stdout: stdout.to_owned(),
        stderr: String::new(),
        code: Some(0),
    }
}

pub(super) fn failed(stdout: &str, stderr: &str) -> Ran {
    Ran {
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        code: Some(1),
    }
}
