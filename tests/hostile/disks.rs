//! Disks that are full, slow, small, read-only, or unusual.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::http::{get, post};
use crate::harness::node::{AT_LAST, Node, Nodes, SOON, program};
use crate::harness::{wait_for, wire};

const FULL: &str = "the disk is full: new commands are refused until there is room";

/// A tmpfs of a few MiB, as the volume of a node.
struct SmallVolume(tempfile::TempDir);

impl SmallVolume {
    fn new(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        mount(
            &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"],
            folder.path(),
        );
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn give(&self, node: &mut Node) {
        node.set("INFLUXDB_META_DIR", &self.path().to_string_lossy());
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Leaves no free byte.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = fs::File::create(self.filler()).expect("a file");
        let zeros = vec![0; 64 << 10];
        for len in [zeros.len(), 4096] {
            while file.write_all(&zeros[..len]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("removed");
    }
}

impl Drop for SmallVolume {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn mount(options: &[&str], at: &Path) {
    let status = Command::new("mount").args(options).arg(at).status();
    assert!(
        status.expect("mount").success(),
        "mount {options:?} needs root"
    );
}

/// Starts three nodes, with small volumes for those in `small`.
fn three_with(small: &[(usize, &SmallVolume)]) -> Nodes {
    let mut nodes = Nodes::new(3);
    for (at, volume) in small {
        volume.give(&mut nodes.all[*at]);
    }
    nodes.start_all();
    nodes.wait_ready();
    nodes
}

#[track_caller]
fn wait_full(node: &Node) {
    wait_for("a node that says that its disk is full", SOON, || {
        let ready = node.get("/readyz")?;
        let said = ready.status == 503 && ready.text().contains("the disk is full");
        said.then_some(()).ok_or_else(|| ready.text())
    });
    node.wait_says("new commands are refused below");
    let metrics = node.get("/metrics").expect("metrics").text();
    assert!(metrics.contains("influxdb_meta_disk_full 1"), "{metrics}");
}

/// A database is created through this node, whichever leads.
#[track_caller]
fn wait_written(node: &Node, name: &str) {
    wait_for("a write", SOON, || node.create_database(name));
}

#[test]
fn a_node_starts_on_a_full_disk_and_freed_space_cures_it() {
    let volume = SmallVolume::new("24m");
    let mut nodes = three_with(&[(2, &volume)]);
    volume.fill();
    wait_full(&nodes.all[2]);
    nodes.all[2].kill();
    nodes.all[2].start();
    wait_full(&nodes.all[2]);
    let (code, _) = nodes.all[2].terminate();
    assert_eq!(code, Some(0));
    nodes.all[2].start();
    wait_full(&nodes.all[2]);
    // If it led, the others lead now.
    wait_written(&nodes.all[0], "while-full");
    let shown = nodes.all[2].ctl(&["show", "-v"]);
    let shown = format!("{}{}", shown.stdout, shown.stderr);
    assert!(shown.contains("the disk is full"), "{shown}");
    volume.free();
    nodes.wait_ready();
    wait_written(&nodes.all[2], "after");
    nodes.wait_equal();
}

#[test]
fn a_leader_whose_disk_alone_is_full_hands_over() {
    let volumes = [(); 3].map(|()| SmallVolume::new("24m"));
    let small: Vec<_> = volumes.iter().enumerate().collect();
    let nodes = three_with(&small);
    wait_written(&nodes.all[0], "before");
    let leader = nodes.leader();
    volumes[leader].fill();
    wait_for("another leader", SOON, || {
        let now = nodes.leader();
        (now != leader)
            .then_some(())
            .ok_or_else(|| format!("still {now}"))
    });
    for at in 0..3 {
        wait_written(&nodes.all[at], &format!("through-{at}"));
    }
    wait_full(&nodes.all[leader]);
    volumes[leader].free();
    nodes.wait_ready();
    nodes.wait_equal();
}

#[test]
fn two_full_followers_stop_commands_and_do_not_end() {
    let volumes = [(); 3].map(|()| SmallVolume::new("24m"));
    let small: Vec<_> = volumes.iter().enumerate().collect();
    let nodes = three_with(&small);
    wait_written(&nodes.all[0], "before");
    let leader = nodes.leader();
    for (at, volume) in volumes.iter().enumerate() {
        if at != leader {
            volume.fill();
        }
    }
    wait_for("a refusal", SOON, || {
        let answer = nodes.all[leader].post("/execute", &wire::create_database("refused"))?;
        let full = answer.status == 503 && answer.text().contains(FULL);
        full.then_some(()).ok_or_else(|| answer.text())
    });
    let ready = nodes.all[leader].get("/readyz").expect("an answer");
    assert_eq!(ready.status, 503, "{}", ready.text());
    for (at, volume) in volumes.iter().enumerate() {
        assert_eq!(nodes.all[at].get("/livez").expect("it runs").status, 200);
        if at != leader {
            volume.free();
        }
    }
    nodes.wait_ready();
    wait_written(&nodes.all[leader], "after");
    nodes.wait_equal();
}

/// The others go on, and this follower refuses what its last segments cannot hold.
#[test]
fn a_full_follower_refuses_entries_and_catches_up_when_there_is_room() {
    let volume = SmallVolume::new("16m");
    let mut nodes = Nodes::new(3);
    volume.give(&mut nodes.all[2]);
    nodes.start_all();
    nodes.wait_ready();
    volume.fill();
    wait_full(&nodes.all[2]);
    wait_written(&nodes.all[0], "while-full");
    let leader = wait_for("a leader with room", SOON, || match nodes.leader() {
        2 => Err("the full one leads".to_owned()),
        leader => Ok(leader),
    });
    // 6 MB, far more than two segments of 512 KiB.
    let hash = "x".repeat(100 << 10);
    for n in 0..60 {
        let user = wire::create_user(&format!("u{}", n % 3), &hash, false);
        let answer = post(nodes.all[leader].http(), "/execute", &user).expect("an answer");
        assert_eq!(answer.status, 200, "{n}: {}", answer.text());
    }
    let applied = |node: &Node| {
        let health = node.health().expect("it runs");
        health["raft_state"]["last_log"]["index"].as_u64()
    };
    let (last, full) = (applied(&nodes.all[leader]), applied(&nodes.all[2]));
    assert!(full < last, "{full:?} of {last:?}: it had no room for all");
    assert_eq!(nodes.all[2].get("/livez").expect("it runs").status, 200);
    volume.free();
    nodes.wait_ready();
    nodes.wait_equal();
}

#[test]
fn a_small_volume_works_and_a_smaller_one_is_refused_before_founding() {
    for size in ["8m", "12m", "20m", "40m"] {
        let volume = SmallVolume::new(size);
        let mut nodes = Nodes::without_peers(1);
        let node = &mut nodes.all[0];
        volume.give(node);
        node.flags = vec!["-single-server".to_owned()];
        node.start();
        node.wait_ready();
        // Several times what the log may hold before a snapshot.
        let hash = "x".repeat(100 << 10);
        for n in 0..30 {
            let user = wire::create_user(&format!("u{}", n % 3), &hash, false);
            let answer = node.post("/execute", &user).expect("an answer");
            assert_eq!(answer.status, 200, "{size}, {n}: {}", answer.text());
        }
        node.kill();
        node.start();
        node.wait_ready();
    }
    let volume = SmallVolume::new("6m");
    let mut nodes = Nodes::without_peers(1);
    let node = &mut nodes.all[0];
    volume.give(node);
    node.flags = vec!["-single-server".to_owned()];
    node.start();
    assert_eq!(node.wait_exit(SOON), Some(74));
    assert!(
        node.log()
            .contains("a new node needs a volume of 8388608 bytes"),
        "{}",
        node.log()
    );
}

/// Many segments begin, and under each a file is filled with zeros: no command is refused as if the
/// disk were full.
#[test]
fn no_command_is_refused_while_segments_begin_under_load() {
    let volume = SmallVolume::new("64m");
    let mut nodes = Nodes::without_peers(1);
    volume.give(&mut nodes.all[0]);
    nodes.all[0].flags = vec!["-single-server".to_owned()];
    nodes.all[0].start();
    nodes.wait_ready();
    let at = nodes.all[0].http();
    let hash = "x".repeat(16 << 10);
    std::thread::scope(|scope| {
        for caller in 0..16 {
            let hash = &hash;
            scope.spawn(move || {
                for _ in 0..60 {
                    let user = wire::create_user(&format!("u{caller}"), hash, false);
                    let answer = post(at, "/execute", &user).expect("an answer");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            });
        }
    });
}

/// File systems without locks, and without fsync of folders: strace makes the calls fail.
fn start_traced(node: &mut Node, inject: &str) -> std::process::Child {
    let folder = node.data_dir().join("../..");
    fs::create_dir_all(&folder).expect("a folder");
    let log = fs::File::create(folder.join("log")).expect("a log");
    Command::new("strace")
        // -D: the child is the program, and strace its grandchild.
        .args([
            "-D",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &format!("inject={inject}"),
        ])
        .args([&program(), "-single-server"])
        .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
        .env("INFLUXDB_META_DIR", folder.join("meta"))
        .env("INFLUXDB_META_BIND_ADDRESS", format!("{}:8089", node.ip))
        .env(
            "INFLUXDB_META_HTTP_BIND_ADDRESS",
            format!("{}:8091", node.ip),
        )
        .stderr(log)
        .spawn()
        .expect("strace is installed")
}

#[test]
fn a_file_system_without_locks_is_refused_with_its_name() {
    let mut nodes = Nodes::without_peers(1);
    let mut child = start_traced(&mut nodes.all[0], "flock:error=ENOLCK");
    let ended = wait_for("the end", SOON, || match child.try_wait() {
        Ok(Some(status)) => Ok(status),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(ended.code(), Some(74));
    let log = nodes.all[0].log();
    assert!(log.contains("has no file locks"), "{log}");
}

/// EDQUOT: `df` shows room, so the words must be about the quota.
#[test]
fn a_quota_of_the_volume_that_is_used_up_is_named() {
    let mut nodes = Nodes::without_peers(1);
    let mut child = start_traced(&mut nodes.all[0], "pwrite64:error=EDQUOT");
    let ended = wait_for("the end", SOON, || match child.try_wait() {
        Ok(Some(status)) => Ok(status),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(ended.code(), Some(74));
    let log = nodes.all[0].log();
    assert!(log.contains("the quota of this user or project"), "{log}");
}

#[test]
fn a_file_system_without_fsync_of_folders_is_used_with_a_warning() {
    let mut nodes = Nodes::without_peers(1);
    let mut child = start_traced(&mut nodes.all[0], "fsync:error=EINVAL");
    let ready = std::panic::catch_unwind(|| nodes.all[0].wait_ready());
    let log = nodes.all[0].log();
    child.kill().expect("killed");
    let _status = child.wait();
    assert!(ready.is_ok(), "{log}");
    assert!(log.contains("disk.no-folder-sync"), "{log}");
}

/// A follower that cannot open one more descriptor goes through several segments of its log.
#[test]
fn a_node_without_descriptors_begins_new_segments() {
    let volumes = [
        SmallVolume::new("16m"),
        SmallVolume::new("16m"),
        SmallVolume::new("16m"),
    ];
    let small: Vec<_> = volumes.iter().enumerate().collect();
    let nodes = three_with(&small);
    let leader = nodes.leader();
    let node = &nodes.all[(leader + 1) % 3];
    let limit = |soft: u64| {
        let pid = node.pid().to_string();
        let limit = format!("--nofile={soft}:");
        let done = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status();
        assert!(done.expect("prlimit").success());
    };
    let open = || {
        let names = fs::read_dir(format!("/proc/{}/fd", node.pid())).expect("open files");
        let names = names.filter_map(|name| name.ok()?.file_name().to_str()?.parse().ok());
        names.collect::<Vec<u64>>()
    };
    // Nothing above what is open now, and idle connections take what is free below.
    let all = open().into_iter().max().expect("some") + 1;
    limit(all);
    let mut idle = Vec::new();
    wait_for("a process without descriptors", SOON, || {
        idle.push(std::net::TcpStream::connect(node.http()).map_err(|e| e.to_string())?);
        let now = open().len() as u64;
        (now == all)
            .then_some(())
            .ok_or_else(|| format!("{now} of {all}"))
    });
    let segments = || {
        let names = fs::read_dir(volumes[(leader + 1) % 3].path().join("influxd-meta/wal"));
        let names = names.expect("the log").filter_map(Result::ok);
        let names = names.filter_map(|name| name.file_name().into_string().ok());
        names
            .filter(|name| name.len() == 16)
            .max()
            .expect("a segment")
    };
    let before = segments();
    let hash = "x".repeat(100 << 10);
    for n in 0..25 {
        // Takes the place of one that the node has closed.
        idle.extend(std::net::TcpStream::connect(node.http()).ok());
        let user = wire::create_user(&format!("u{}", n % 3), &hash, false);
        wait_for("a write", SOON, || {
            let answer = post(nodes.all[leader].http(), "/execute", &user)?;
            (answer.status == 200)
                .then_some(())
                .ok_or_else(|| answer.text())
        });
    }
    wait_for("new segments", SOON, || {
        let now = segments();
        (now != before).then_some(()).ok_or(now)
    });
    drop(idle);
    limit(1024);
    wait_for("an answer", SOON, || get(node.http(), "/livez"));
    nodes.wait_equal();
}

#[test]
fn a_read_only_volume_is_named_and_not_given_away() {
    let volume = SmallVolume::new("24m");
    let mut nodes = Nodes::without_peers(1);
    let node = &mut nodes.all[0];
    volume.give(node);
    node.start();
    wait_for("an answer", AT_LAST, || node.get("/livez"));
    node.kill();
    mount(&["-o", "remount,ro"], volume.path());
    node.start();
    assert_eq!(node.wait_exit(Duration::from_secs(20)), Some(77));
    let log = node.log();
    assert!(
        log.contains("mounted read-only") && !log.contains("chown"),
        "{log}"
    );
}
