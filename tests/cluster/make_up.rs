//! `make up` and `make down` without a Docker engine: three processes on loopback addresses.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::harness::docker::Ended;
use crate::harness::http;
use crate::harness::make::Folder;
use crate::harness::node::{fresh_network, program};

struct Here {
    folder: Folder,
    network: [u8; 3],
}

impl Here {
    fn new(network: [u8; 3]) -> Self {
        let mut folder = Folder::new("checkout", &program());
        folder.without_docker();
        let [a, b, c] = network;
        folder.set("META_NET", &format!("{a}.{b}.{c}"));
        Self { folder, network }
    }

    /// HTTP address of a node, from 1.
    fn node(&self, n: u8) -> SocketAddr {
        let [a, b, c] = self.network;
        (Ipv4Addr::new(a, b, c, n + 1), 8091).into()
    }

    fn make(&self, word: &str) -> Ended {
        self.folder.make(word, &[])
    }

    /// Process ids of the nodes that run.
    fn processes(&self) -> Vec<String> {
        let program = self.folder.path.join(".make/bin/influxd-meta");
        let pids = (1..=3).filter_map(|n| {
            let file = self.folder.path.join(format!(".make/meta-{n}/pid"));
            let pid = fs::read_to_string(file).ok()?.trim().to_owned();
            let exe = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
            // `make up` replaces the file: the kernel then appends " (deleted)".
            let runs = exe
                .to_string_lossy()
                .starts_with(&*program.to_string_lossy());
            runs.then_some(pid)
        });
        pids.collect()
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.make("down");
    }
}

#[test]
fn three_processes_with_a_secret_come_up_and_go_down() {
    let here = Here::new(fresh_network());
    let up = here.make("up");
    assert_eq!(up.code, 0, "{up:?}");
    assert!(up.stdout.contains("Three meta nodes are ready"), "{up:?}");
    assert_eq!(here.processes().len(), 3);
    let secret = here.folder.secret();
    assert_eq!(secret.len(), 64, "{secret}");
    let health = http::get(here.node(1), "/healthz").expect("healthz").json();
    assert_eq!(health["peer_proofs"], "required", "{health}");

    // The same nodes, and the same secret.
    let (before, again) = (here.processes(), here.make("up"));
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!((here.processes(), here.folder.secret()), (before, secret));

    let down = here.make("down");
    assert_eq!(down.code, 0, "{down:?}");
    let said = "stopped the processes: meta-1 meta-2 meta-3";
    assert!(down.stdout.contains(said), "{down:?}");
    assert!(here.processes().is_empty());
    let down = here.make("down");
    assert_eq!(down.code, 0, "{down:?}");
    assert!(down.stdout.contains("no node of this folder"), "{down:?}");
}

/// The secret of an earlier layout is not replaced by a new one in silence.
#[test]
fn settings_in_the_root_are_not_passed_over() {
    let here = Here::new(fresh_network());
    let (old, new) = (
        here.folder.path.join(".env"),
        here.folder.path.join("compose/.env"),
    );
    // The last line may have no end.
    let text = "INFLUXDB_META_INTERNAL_SHARED_SECRET=old";
    fs::write(&old, text).expect("a file");
    let up = here.make("up");
    assert_eq!(up.code, 1, "{up:?}");
    assert!(up.stderr.contains("mv .env compose/.env"), "{up:?}");
    assert!(here.processes().is_empty() && !new.exists());

    fs::rename(old, &new).expect("a rename");
    let up = here.make("up");
    assert_eq!(up.code, 0, "{up:?}");
    assert_eq!(fs::read_to_string(new).expect("a file"), text);
}

/// Another cluster that is ready at the addresses is not taken for our own.
#[test]
fn a_foreign_cluster_is_named_and_left_alone() {
    let network = fresh_network();
    let (first, second) = (Here::new(network), Here::new(network));
    let up = first.make("up");
    assert_eq!(up.code, 0, "{up:?}");
    let before = first.processes();

    let up = second.make("up");
    assert_eq!(up.code, 1, "{up:?}");
    let taken = format!("{} is taken by process {}", first.node(1), before[0]);
    for text in [taken.as_str(), "META_NET"] {
        assert!(up.stderr.contains(text), "no {text:?} in {up:?}");
    }
    assert!(!up.stdout.contains("are ready"), "{up:?}");
    assert!(second.processes().is_empty());
    second.make("down");
    assert_eq!(first.processes(), before);
}

#[test]
fn one_taken_address_is_named_and_nothing_is_started() {
    let here = Here::new(fresh_network());
    let taken = SocketAddr::new(here.node(3).ip(), 8089);
    let _listener = TcpListener::bind(taken).expect("a free address");
    let up = here.make("up");
    assert_eq!(up.code, 1, "{up:?}");
    assert!(up.stderr.contains(&taken.to_string()), "{up:?}");
    assert!(here.processes().is_empty());
}

/// Variables that are set reach the processes. A node that ends at once ends `make up` too, and
/// leaves no other node behind.
#[test]
fn variables_are_passed_on_and_a_node_that_ends_is_reported() {
    let here = Here::new(fresh_network());
    let up = here
        .folder
        .make("up", &[("INFLUXDB_META_LEASE_DURATION", "soon")]);
    assert_eq!(up.code, 1, "{up:?}");
    assert!(up.stderr.contains("lease-duration"), "{up:?}");
    assert!(here.processes().is_empty());

    let up = here
        .folder
        .make("up", &[("INFLUXDB_META_AUTH_ENABLED", "true")]);
    assert_eq!(up.code, 0, "{up:?}");
    let answer = http::get(here.node(2), "/show-cluster").expect("an answer");
    assert_eq!(answer.status, 400, "no admin yet: {}", answer.text());

    // What `make up` sets itself is refused, not ignored.
    let up = here.folder.make("up", &[("INFLUXDB_META_PEERS", "other")]);
    assert_eq!(up.code, 1, "{up:?}");
    assert!(up.stderr.contains("INFLUXDB_META_PEERS is set"), "{up:?}");
}
