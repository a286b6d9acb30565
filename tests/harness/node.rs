//! Real `influxd-meta` processes on loopback addresses of their own, with the default ports.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ctl::{self, Typed, influxd_ctl};
use super::http::{self, Response};
use super::{wait_for, wire};

/// Limit for a start or a failover: one that takes longer is a bug, not a slow machine.
pub const SOON: Duration = Duration::from_secs(20);

/// Limit for several changes of a membership, one after the other, each with a few fsyncs on a busy
/// machine.
pub const AT_LAST: Duration = Duration::from_secs(40);

/// Nodes that share a list, each with a loopback address and a directory. Killed and removed when
/// dropped.
pub struct Nodes {
    pub all: Vec<Node>,
    folder: tempfile::TempDir,
}

pub struct Node {
    pub ip: Ipv4Addr,
    pub env: BTreeMap<String, String>,
    pub flags: Vec<String>,
    /// Content mounted over /etc/hosts for this process only.
    pub hosts: Option<String>,
    /// Soft and hard limit of open files of the process.
    pub open_files: Option<u64>,
    /// Where the next start writes its log, if not to the file `<dir>/log`.
    pub stderr: Option<OwnedFd>,
    /// Content mounted over /etc/resolv.conf for this process only.
    pub resolv_conf: Option<String>,
    dir: PathBuf,
    child: Option<Child>,
}

/// Returns a network of loopback addresses that no other test and no other run uses.
pub fn fresh_network() -> [u8; 3] {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let run = std::process::id();
    [
        127,
        16 + (run % 200) as u8,
        NEXT.fetch_add(1, Ordering::Relaxed),
    ]
}

/// Path of the program under test: this build, or `INFLUXD_META` if set.
pub fn program() -> String {
    std::env::var("INFLUXD_META").unwrap_or_else(|_| env!("CARGO_BIN_EXE_influxd-meta").to_owned())
}

impl Nodes {
    /// Makes `count` nodes, each with the list of all; none is started.
    pub fn new(count: u8) -> Self {
        let [a, b, c] = fresh_network();
        let folder = tempfile::tempdir().expect("a folder");
        let ips: Vec<Ipv4Addr> = (1..=count).map(|n| Ipv4Addr::new(a, b, c, n)).collect();
        let list = ips
            .iter()
            .map(Ipv4Addr::to_string)
            .collect::<Vec<_>>()
            .join(",");
        let node = |ip: &Ipv4Addr| Node {
            ip: *ip,
            env: BTreeMap::from([("INFLUXDB_META_PEERS".to_owned(), list.clone())]),
            flags: Vec::new(),
            hosts: None,
            open_files: None,
            stderr: None,
            resolv_conf: None,
            dir: folder.path().join(ip.to_string()),
            child: None,
        };
        let all = ips.iter().map(node).collect();
        Self { all, folder }
    }

    /// Makes `count` nodes without a list; none is started.
    pub fn without_peers(count: u8) -> Self {
        let mut nodes = Self::new(count);
        for node in &mut nodes.all {
            node.env.remove("INFLUXDB_META_PEERS");
        }
        nodes
    }

    /// Adds one more node, with an address of its own and the environment of the first, and returns
    /// its index. It is not started.
    pub fn add(&mut self) -> usize {
        let [a, b, c, _] = self.all[0].ip.octets();
        let ip = Ipv4Addr::new(a, b, c, self.all.len() as u8 + 1);
        let (env, dir) = (
            self.all[0].env.clone(),
            self.folder.path().join(ip.to_string()),
        );
        self.all.push(Node {
            ip,
            env,
            flags: Vec::new(),
            hosts: None,
            open_files: None,
            stderr: None,
            resolv_conf: None,
            dir,
            child: None,
        });
        self.all.len() - 1
    }

    /// Adds a node with an address of its own and a copy of the volume of this one. It is not
    /// started.
    pub fn add_copy_of(&mut self, of: usize) -> usize {
        let copy = self.add();
        fs::create_dir_all(&self.all[copy].dir).expect("node folder");
        copy_folder(
            &self.all[of].dir.join("meta"),
            &self.all[copy].dir.join("meta"),
        );
        self.all[copy].env = self.all[of].env.clone();
        copy
    }

    /// Starts `count` nodes and waits until they are ready.
    pub fn formed(count: u8) -> Self {
        let mut nodes = Self::new(count);
        nodes.start_all();
        nodes.wait_ready();
        nodes
    }

    pub fn start_all(&mut self) {
        self.all.iter_mut().for_each(Node::start);
    }

    pub fn set(&mut self, key: &str, value: &str) {
        for node in &mut self.all {
            node.set(key, value);
        }
    }

    #[track_caller]
    pub fn wait_ready(&self) {
        for node in self.all.iter().filter(|n| n.child.is_some()) {
            node.wait_ready();
        }
    }

    /// Index in `all` of the node that every running node names as leader.
    #[track_caller]
    pub fn leader(&self) -> usize {
        wait_for("agreed leader", SOON, || {
            let mut leaders: Vec<String> = Vec::new();
            for node in self.all.iter().filter(|n| n.child.is_some()) {
                leaders.push(
                    node.get("/status")?.json()["leader"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
            leaders.dedup();
            let [leader] = leaders.as_slice() else {
                return Err(format!("{leaders:?}"));
            };
            self.all
                .iter()
                .position(|n| n.child.is_some() && format!("{}:8089", n.ip) == *leader)
                .ok_or_else(|| format!("leader {leader:?}"))
        })
    }

    /// Waits until all running nodes are at one index with equal bodies: the replicas agree byte
    /// for byte.
    #[track_caller]
    pub fn wait_equal(&self) -> wire::Data {
        wait_for("equal replicas", SOON, || {
            let mut bodies = Vec::new();
            for node in self.all.iter().filter(|n| n.child.is_some()) {
                let response = node.get("/?index=0")?;
                if response.status != 200 {
                    return Err(format!(
                        "{}: {} {}",
                        node.ip,
                        response.status,
                        response.text()
                    ));
                }
                bodies.push(response.body);
            }
            let first = wire::data(&bodies[0]);
            let same = bodies.iter().all(|body| *body == bodies[0]);
            let seen = || {
                bodies
                    .iter()
                    .map(|b| wire::data(b).index)
                    .collect::<Vec<_>>()
            };
            same.then_some(first)
                .ok_or_else(|| format!("indexes {:?}", seen()))
        })
    }

    /// Waits until exactly these nodes are the voters of one cluster: each says so itself, and all
    /// show the same node ids with `influxd-ctl show`. Returns the ids, in this order.
    #[track_caller]
    pub fn wait_voters(&self, members: &[usize]) -> Vec<u64> {
        let members: Vec<&Node> = members.iter().map(|n| &self.all[*n]).collect();
        for node in &members {
            wait_for(
                &format!("vote of {}, one of {}", node.ip, members.len()),
                AT_LAST,
                || {
                    let ready = node.get("/readyz?voter")?;
                    let peers = node.get("/peers")?.json().as_array().map_or(0, Vec::len);
                    let shown = node.get("/show-cluster")?.json()["meta"]
                        .as_array()
                        .map_or(0, Vec::len);
                    match (ready.status, peers == members.len(), shown == members.len()) {
                        (200, true, true) => Ok(()),
                        _ => Err(format!(
                            "{peers} voters, {shown} shown; {}",
                            node.get("/healthz")?.text()
                        )),
                    }
                },
            );
        }
        let shown: Vec<Vec<u64>> = members.iter().map(|node| node.shown(&members)).collect();
        assert!(
            shown
                .iter()
                .all(|ids| *ids == shown[0] && ids.len() == members.len()),
            "{shown:?}"
        );
        shown[0].clone()
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Logs of all nodes, for a failing test.
    pub fn logs(&self) -> String {
        self.all
            .iter()
            .map(|n| format!("--- {}\n{}", n.ip, n.log()))
            .collect()
    }
}

/// Copies a folder with owners and modes, over what is there.
#[track_caller]
fn copy_folder(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-aT").args([from, to]).status();
    assert!(status.expect("cp").success(), "{}", from.display());
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in self.all.iter().filter(|n| n.child.is_some()) {
                eprintln!(
                    "{}: {}",
                    node.ip,
                    node.get("/healthz").map_or_else(|e| e, |r| r.text())
                );
            }
        }
        self.all.iter_mut().for_each(Node::kill);
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
    }
}

impl Node {
    pub fn set(&mut self, key: &str, value: &str) {
        self.env.insert(key.to_owned(), value.to_owned());
    }

    pub fn http(&self) -> SocketAddr {
        SocketAddr::from((self.ip, 8091))
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("meta/influxd-meta")
    }

    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Starts the process; its log is appended to `<dir>/log`.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.ip);
        fs::create_dir_all(&self.dir).expect("node folder");
        let log: Stdio = match &self.stderr {
            Some(stderr) => stderr.try_clone().expect("a descriptor").into(),
            None => fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(self.dir.join("log"))
                .expect("log")
                .into(),
        };
        let mut command = self.command();
        command
            .args(&self.flags)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
            .env("INFLUXDB_META_DIR", self.dir.join("meta"))
            .env("INFLUXDB_META_BIND_ADDRESS", format!("{}:8089", self.ip))
            .env(
                "INFLUXDB_META_HTTP_BIND_ADDRESS",
                format!("{}:8091", self.ip),
            )
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        self.child = Some(command.spawn().expect("influxd-meta starts"));
    }

    fn command(&self) -> Command {
        let program = program();
        if let Some(files) = self.open_files {
            let mut command = Command::new("prlimit");
            command.args([&format!("--nofile={files}:{files}"), &program]);
            return command;
        }
        let mounted = self.mounted();
        if mounted.is_empty() {
            return Command::new(program);
        }
        let mut script = String::new();
        for (file, content, over) in mounted {
            fs::write(&file, content).expect("a file to mount");
            script += &format!("mount --bind {} {over} && ", file.display());
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &format!("{script}exec {program}")]);
        command
    }

    /// Files that this process sees in place of those of the host: file, content, place.
    fn mounted(&self) -> Vec<(PathBuf, &str, &'static str)> {
        let hosts = self.hosts.as_deref();
        let hosts = hosts.map(|text| (self.hosts_file(), text, "/etc/hosts"));
        let resolv_conf = self.resolv_conf.as_deref();
        let resolv_conf =
            resolv_conf.map(|text| (self.resolv_conf_file(), text, "/etc/resolv.conf"));
        hosts.into_iter().chain(resolv_conf).collect()
    }

    /// Sets the content of /etc/hosts for this node from here on, running or not.
    pub fn set_hosts(&mut self, hosts: &str) {
        self.hosts = Some(hosts.to_owned());
        if self.child.is_some() {
            // Written into the mounted file: a file that replaced it would not be seen.
            fs::write(self.hosts_file(), hosts).expect("hosts file");
        }
    }

    /// Sets the content of /etc/resolv.conf for this node from here on, running or not.
    pub fn set_resolv_conf(&mut self, text: &str) {
        self.resolv_conf = Some(text.to_owned());
        if self.child.is_some() {
            fs::write(self.resolv_conf_file(), text).expect("resolv.conf");
        }
    }

    fn resolv_conf_file(&self) -> PathBuf {
        self.dir.join("resolv.conf")
    }

    fn hosts_file(&self) -> PathBuf {
        self.dir.join("hosts")
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone_already = child.kill();
            let _status = child.wait();
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &pid])
            .status()
            .expect("kill");
        assert!(status.success(), "kill -{signal} {pid}");
    }

    /// Sends SIGTERM; returns the exit code and how long it took.
    #[track_caller]
    pub fn terminate(&mut self) -> (Option<i32>, Duration) {
        let start = Instant::now();
        self.signal("TERM");
        (self.wait_exit(SOON), start.elapsed())
    }

    /// Waits for the process to end by itself and returns its exit code (`None`: ended by a
    /// signal).
    #[track_caller]
    pub fn wait_exit(&mut self, within: Duration) -> Option<i32> {
        let mut child = self.child.take().expect("running");
        let status = wait_for("end of the process", within, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("{other:?}")),
        });
        assert!(
            status.core_dumped() || status.signal().is_none_or(|s| s == 15),
            "{status:?}\n{}",
            self.log()
        );
        status.code()
    }

    /// Removes the volume of a stopped node.
    pub fn wipe(&mut self) {
        assert!(self.child.is_none(), "stop it first");
        match fs::remove_dir_all(self.dir.join("meta")) {
            // The node was killed before it had made one.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            done => done.expect("wiped"),
        }
    }

    /// Copies the volume of a stopped node to a folder beside it.
    pub fn back_up(&self) {
        assert!(self.child.is_none(), "stop it first");
        copy_folder(&self.dir.join("meta"), &self.dir.join("backup"));
    }

    /// Replaces the volume of a stopped node by the one that was backed up.
    pub fn restore(&mut self) {
        self.wipe();
        copy_folder(&self.dir.join("backup"), &self.dir.join("meta"));
    }

    /// SIGKILL, an empty volume, and the same start again.
    pub fn lose_volume(&mut self) {
        self.kill();
        self.wipe();
        self.start();
    }

    pub fn get(&self, path: &str) -> Result<Response, String> {
        http::get(self.http(), path)
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Result<Response, String> {
        http::post(self.http(), path, body)
    }

    /// Runs `influxd-ctl` on this node's host.
    pub fn ctl(&self, args: &[&str]) -> Typed {
        let bind = self.http().to_string();
        influxd_ctl(&[&["-bind", &bind], args].concat())
    }

    /// Like `ctl`; it must succeed. Returns its stdout.
    #[track_caller]
    pub fn ctl_done(&self, args: &[&str]) -> String {
        let typed = self.ctl(args);
        assert_eq!(
            typed.code, 0,
            "influxd-ctl {args:?} at {}: {typed:?}",
            self.ip
        );
        typed.stdout
    }

    /// Node ids that `influxd-ctl show` prints at this node for these members.
    #[track_caller]
    fn shown(&self, members: &[&Node]) -> Vec<u64> {
        let shown = ctl::meta_nodes(&self.ctl_done(&["show"]));
        members
            .iter()
            .filter_map(|node| shown.get(&node.http().to_string()))
            .map(|(id, _)| *id)
            .collect()
    }

    /// `/healthz` as JSON, whatever its status.
    pub fn health(&self) -> Result<Value, String> {
        self.get("/healthz").map(|r| r.json())
    }

    #[track_caller]
    pub fn wait_ready(&self) {
        wait_for(&format!("readiness of {}", self.ip), SOON, || {
            match self.get("/readyz")? {
                r if r.status == 200 => Ok(()),
                r => Err(format!("{} {}\n{}", r.status, r.text(), self.log())),
            }
        });
    }

    /// Waits until `/healthz` contains a text: a phase, a reason, an address.
    #[track_caller]
    pub fn wait_says(&self, text: &str) {
        wait_for(&format!("{text:?} from {}", self.ip), SOON, || {
            let body = self.get("/healthz")?.text();
            if body.contains(text) {
                Ok(())
            } else {
                Err(body)
            }
        });
    }

    /// Creates a database through this node, following one redirect, and returns the index.
    pub fn create_database(&self, name: &str) -> Result<u64, String> {
        let body = wire::create_database(name);
        let mut response = self.post("/execute", &body)?;
        if response.status == 307 {
            let location = response.header("location").unwrap_or_default().to_owned();
            let at = location
                .strip_prefix("http://")
                .and_then(|l| l.split('/').next());
            let at = at
                .and_then(|a| a.parse().ok())
                .ok_or_else(|| format!("location {location:?}"))?;
            response = http::post(at, "/execute", &body)?;
        }
        match response.status {
            200 => wire::response(&response.body),
            status => Err(format!("{status} {}", response.text())),
        }
    }

    /// Creates a database as a client does during a failover: it asks again until the write is
    /// acknowledged.
    #[track_caller]
    pub fn goes_on(&self, name: &str) -> u64 {
        wait_for("acknowledged command", SOON, || self.create_database(name))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}
