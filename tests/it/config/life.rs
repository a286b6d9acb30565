//! The built program as a process: starts, reasons that prevent a start, and stops.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than a start or a stop takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A node with a directory and ports of its own; killed when dropped.
struct Node {
    folder: TempDir,
    http: SocketAddr,
    raft: SocketAddr,
    child: Option<Child>,
}

/// Returns a port that is not in use now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
}

impl Node {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            http: free(),
            raft: free(),
            child: None,
        }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("meta")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).expect("a log")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
            .env("INFLUXDB_META_DIR", self.dir())
            .env("INFLUXDB_META_HTTP_BIND_ADDRESS", self.http.to_string())
            .env("INFLUXDB_META_BIND_ADDRESS", self.raft.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.log_file()).expect("a log"));
        command
    }

    fn built(&self) -> Command {
        self.command(Path::new(env!("CARGO_BIN_EXE_influxd-meta")))
    }

    /// Starts the process, waits until it answers, and returns its pid.
    fn start(&mut self, command: &mut Command) -> u32 {
        let child = self.child.insert(command.spawn().expect("it starts"));
        let pid = child.id();
        let began = Instant::now();
        while get(self.http, "/ping").is_none() {
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().expect("a status"));
            assert!(
                ended.is_none() && began.elapsed() < SOON,
                "{ended:?}: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        pid
    }

    /// Waits until the log contains this text.
    fn wait_log(&self, text: &str) -> String {
        let began = Instant::now();
        while !self.log().contains(text) {
            assert!(began.elapsed() < SOON, "{text}\nis not in\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.log()
    }

    /// Sends a signal, and returns the exit status, the time it took, and the log.
    fn stop(&mut self, signal: &str) -> (ExitStatus, Duration, String) {
        let mut child = self.child.take().expect("running");
        let began = Instant::now();
        send(child.id(), signal);
        let status = wait(&mut child);
        let took = began.elapsed();
        (status, took, self.log())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone_already = child.kill();
            let _status = child.wait();
        }
    }
}

fn send(pid: u32, signal: &str) {
    let status = Command::new("kill")
        .args([format!("-{signal}"), pid.to_string()])
        .status();
    assert!(status.expect("kill").success());
}

fn wait(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a status") {
            return status;
        }
        if began.elapsed() > SOON {
            child.kill().expect("killed");
            panic!("it still runs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Returns status and body, if a server answers.
fn get(at: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_millis(500)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// Exit code and log of a start that must not succeed.
fn refused(node: &Node, command: &mut Command) -> (Option<i32>, String) {
    let mut child = command.spawn().expect("it starts");
    let status = wait(&mut child);
    (status.code(), node.log())
}

#[test]
fn it_answers_before_any_cluster_and_a_signal_stops_it_with_0() {
    for signal in ["TERM", "INT"] {
        let mut node = Node::new();
        let pidfile = node.folder.path().join("run/meta.pid");
        let mut command = node.built();
        let pid = node.start(command.arg("-pidfile").arg(&pidfile));
        assert_eq!(
            std::fs::read_to_string(&pidfile).expect("a pidfile"),
            pid.to_string()
        );
        assert_eq!(
            get(node.http, "/status").map(|(status, _)| status),
            Some(200)
        );
        assert_eq!(
            get(node.http, "/livez").map(|(status, _)| status),
            Some(200)
        );
        assert_eq!(
            get(node.http, "/readyz").map(|(status, _)| status),
            Some(503)
        );
        send(pid, "HUP");
        assert_eq!(
            get(node.http, "/livez").map(|(status, _)| status),
            Some(200),
            "SIGHUP changes nothing"
        );
        let (status, took, log) = node.stop(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(took < Duration::from_secs(2), "{took:?}\n{log}");
        assert!(log.contains("event=stop.done"), "{log}");
        assert!(!pidfile.exists());
    }
}

#[test]
fn the_log_says_what_is_in_effect_and_no_secret() {
    let mut node = Node::new();
    let mut command = node.built();
    command
        .args(["-hostname", "meta-7", "-cluster-name", "prod"])
        .env("INFLUXDB_META_INTERNAL_SHARED_SECRET", "s3cret-of-mine")
        .env("INFLUXDB_META_COMMIT_TIMEOUT", "5s")
        .env("INFLUXDB_META_PEER", "x");
    node.start(&mut command);
    let log = node.wait_log("event=cluster.settings");
    for text in [
        "lvl=info event=boot msg=\"influxd-meta starting\" version=1.12.4-c",
        "lvl=warn event=config.no-effect",
        "lvl=warn event=config.unknown",
        "cluster_name=prod",
        "secret=set",
        "hostname=meta-7",
        "plan=\"none: set peers, or start with -single-server\"",
        "expect=unset",
        "join_timeout=none",
        "phase=fresh",
    ] {
        assert!(log.contains(text), "{text}\nis not in\n{log}");
    }
    assert!(
        !log.contains("s3cret-of-mine") && !log.contains('\u{1b}'),
        "{log}"
    );
    assert!(!log.contains("config.no-secret"), "{log}");
}

#[test]
fn tls_towards_data_nodes_needs_somebody_to_trust() {
    let mut node = Node::new();
    let trusted = node.folder.path().join("authorities.pem");
    let secured = |node: &Node, insecure: &str| {
        let mut command = node.built();
        command
            .env("INFLUXDB_META_DATA_USE_TLS", "true")
            .env("INFLUXDB_META_DATA_INSECURE_TLS", insecure)
            .env("SSL_CERT_FILE", &trusted);
        command
    };
    let (code, log) = refused(&node, &mut secured(&node, "false"));
    assert_eq!(code, Some(78), "{log}");
    let path = trusted.display();
    assert!(
        log.contains(&format!("data-use-tls: cannot read {path}"))
            && log.contains("data-insecure-tls"),
        "{log}"
    );
    std::fs::write(&trusted, "nothing").expect("writes");
    let (code, log) = refused(&node, &mut secured(&node, "false"));
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("has no certificate in it"), "{log}");
    // Without verification no certificate is needed.
    let mut command = secured(&node, "true");
    node.start(&mut command);
    node.wait_log("event=data-nodes.insecure");
    node.stop("TERM");
    let authority = rcgen::generate_simple_self_signed(["d1".to_owned()]).expect("a certificate");
    std::fs::write(&trusted, authority.cert.pem()).expect("writes");
    let mut command = secured(&node, "false");
    node.start(&mut command);
    node.wait_log("authorities=1");
}

#[test]
fn an_empty_secret_is_said_to_leave_the_node_open() {
    let mut node = Node::new();
    let mut command = node.built();
    node.start(&mut command);
    let (_, _, log) = node.stop("TERM");
    assert!(log.contains("event=config.no-secret"), "{log}");
}

#[test]
fn one_directory_and_one_address_are_for_one_process() {
    let mut first = Node::new();
    let mut command = first.built();
    first.start(&mut command);
    first.wait_log("event=directory");

    let same_directory = Node::new();
    let mut command = same_directory.built();
    let (code, log) = refused(
        &same_directory,
        command.env("INFLUXDB_META_DIR", first.dir()),
    );
    assert_eq!(code, Some(73), "{log}");
    assert!(log.contains("is in use by another process"), "{log}");

    let mut same_address = Node::new();
    same_address.http = first.http;
    let (code, log) = refused(&same_address, &mut same_address.built());
    assert_eq!(code, Some(74), "{log}");
    assert!(
        log.contains("another process listens there already"),
        "{log}"
    );
}

#[test]
fn data_of_another_program_is_65_and_untouched() {
    let node = Node::new();
    std::fs::create_dir(node.dir()).expect("a folder");
    std::fs::write(node.dir().join("raft.db"), "theirs").expect("a file");
    let (code, log) = refused(&node, &mut node.built());
    assert_eq!(code, Some(65), "{log}");
    assert!(
        log.contains("give this node a directory of its own"),
        "{log}"
    );
    let left: Vec<_> = std::fs::read_dir(node.dir()).expect("the folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("proc").uid() == 0
}

/// Copies the program to a place that every uid can read.
fn reachable_copy(node: &Node) -> PathBuf {
    let copy = node.folder.path().join("influxd-meta");
    super::copy_program(&copy);
    std::fs::set_permissions(node.folder.path(), std::fs::Permissions::from_mode(0o755))
        .expect("mode");
    copy
}

#[test]
fn a_directory_it_cannot_write_is_77_with_who_whose_and_the_fix() {
    let node = Node::new();
    let mut command = if is_root() {
        let mut command = node.command(&reachable_copy(&node));
        command.uid(1000).gid(1000);
        command
    } else {
        std::fs::set_permissions(node.folder.path(), std::fs::Permissions::from_mode(0o555))
            .expect("mode");
        node.built()
    };
    let (code, log) = refused(&node, &mut command);
    std::fs::set_permissions(node.folder.path(), std::fs::Permissions::from_mode(0o755))
        .expect("mode");
    assert_eq!(code, Some(77), "{log}");
    let owner = std::fs::metadata(node.folder.path()).expect("folder").uid();
    let dir = node.dir();
    let fix = format!("Fix, as root: `mkdir -p {0} && chown -R ", dir.display());
    for text in [
        format!("belongs to uid {owner}"),
        fix,
        format!("{}`", dir.display()),
    ] {
        assert!(log.contains(&text), "{text}\nis not in\n{log}");
    }
}

/// Needs root, and a user `influxdb`, which is mounted over /etc/passwd for this process alone.
#[test]
fn started_as_root_it_gives_the_directory_away_and_stops_being_root() {
    if !is_root() {
        println!("NOT RUN: needs root");
        return;
    }
    let mut node = Node::new();
    let passwd = node.folder.path().join("passwd");
    std::fs::write(&passwd, "root:x:0:0::/:/\ninfluxdb:x:4321:4322::/:/\n").expect("a file");
    let program = reachable_copy(&node);
    let script = format!(
        "mount --bind {} /etc/passwd && exec {} \"$@\"",
        passwd.display(),
        program.display()
    );
    std::fs::create_dir_all(node.dir().join("influxd-meta/wal")).expect("root's folders");
    let mut command = node.command(Path::new("unshare"));
    let pid = node.start(command.args(["--mount", "sh", "-c", &script, "sh"]));
    node.wait_log("event=directory");
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).expect("its threads") {
        let path = thread.expect("a thread").path().join("status");
        let status = std::fs::read_to_string(path).expect("a status");
        let line = |name: &str| {
            let line = status
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or_default();
            line.split_whitespace()
                .skip(1)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (line("Uid:"), line("Gid:")),
            (vec!["4321".to_owned(); 4], vec!["4322".to_owned(); 4])
        );
        assert_eq!(line("Groups:"), ["4322"]);
        assert_eq!(line("CapEff:"), ["0000000000000000"]);
    }
    for path in ["", "influxd-meta", "influxd-meta/wal", "influxd-meta/LOCK"] {
        let meta = std::fs::metadata(node.dir().join(path)).expect("ours");
        assert_eq!((meta.uid(), meta.gid()), (4321, 4322), "{path}");
    }
    let (status, _, log) = node.stop("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    chown(node.dir(), Some(0), Some(0)).expect("given back");
}
