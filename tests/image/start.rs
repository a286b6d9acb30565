//! Start and stop of one container, under any user, on any volume.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::harness::docker::{Container, Image, RootVolume, SOON, docker};
use crate::harness::{http, wait_for};

const LOCKED_DOWN: [&str; 5] = [
    "--read-only",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
];

/// `docker run influxdb-meta` and nothing else: it listens, is alive but not ready, says how to go
/// on, and stops at once.
#[test]
fn by_itself_it_listens_and_says_how_to_go_on() {
    let Some(image) = Image::here() else { return };
    let options = ["-p", "127.0.0.1::8091", "--health-interval", "1s"];
    let node = Container::start(&image, "alone", &[&LOCKED_DOWN[..], &options].concat(), &[]);
    let at: SocketAddr = docker(&["port", &node.name, "8091/tcp"])
        .parse()
        .expect("a published address");
    wait_for("answer on 8091", SOON, || match http::get(at, "/ping")? {
        r if (200..300).contains(&r.status) => Ok(()),
        r => Err(format!("{} {}", r.status, r.text())),
    });
    wait_for("healthy, though not joined", SOON, || {
        match node.inspect("{{.State.Health.Status}}").as_str() {
            "healthy" => Ok(()),
            other => Err(other.to_owned()),
        }
    });
    assert_eq!(
        node.exec(&["influxd-meta", "healthcheck", "--ready"]).code,
        1,
        "alive is not ready"
    );
    node.wait_log("INFLUXDB_META_PEERS");
    node.wait_log("-single-server");
    assert_stops_at_once(&node);
}

/// The process is PID 1 and must handle SIGTERM itself: the kernel drops a signal for which process
/// 1 has no handler.
#[track_caller]
fn assert_stops_at_once(node: &Container) {
    let start = Instant::now();
    docker(&["stop", "-t", "10", &node.name]);
    let took = start.elapsed();
    println!("docker stop: {took:?}");
    assert_eq!(node.inspect("{{.State.ExitCode}}"), "0", "{}", node.log());
    // Two seconds are promised; the rest is the engine's own time on a busy machine.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Stopped, started and ready again on the same volume, with a memory limit of 64 MiB.
#[test]
fn one_node_keeps_its_data_in_little_memory() {
    let Some(image) = Image::here() else { return };
    let options = ["-m", "64m", "--hostname", "meta-1"];
    let node = Container::start(
        &image,
        "single",
        &[&LOCKED_DOWN[..], &options].concat(),
        &["-single-server"],
    );
    node.wait_ready();
    let shown = node.exec(&["influxd-ctl", "show"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains("meta-1:8091"), "{shown:?}");
    assert_stops_at_once(&node);
    docker(&["start", &node.name]);
    node.wait_ready();
    assert_eq!(node.exec(&["influxd-ctl", "show"]).stdout, shown.stdout);
    assert_eq!(node.inspect("{{.State.OOMKilled}}"), "false");
}

#[test]
fn any_uid_will_do() {
    let Some(image) = Image::here() else { return };
    let options = [
        "--user",
        "54321:54321",
        "--tmpfs",
        "/var/lib/influxdb:uid=54321,gid=54321",
        "--hostname",
        "meta-1",
    ];
    let node = Container::start(
        &image,
        "any-uid",
        &[&LOCKED_DOWN[..], &options].concat(),
        &["-single-server"],
    );
    node.wait_ready();
    assert_eq!(node.exec(&["influxd-ctl", "show"]).code, 0);
}

/// On the image's own volume, with group 0, as Docker and OpenShift give it to an unknown uid.
#[test]
fn any_uid_of_group_0_will_do_on_the_images_volume() {
    let Some(image) = Image::here() else { return };
    let options = ["--user", "65534", "--hostname", "meta-1"];
    let node = Container::start(
        &image,
        "group-0",
        &[&LOCKED_DOWN[..], &options].concat(),
        &["-single-server"],
    );
    node.wait_ready();
    assert_eq!(node.exec(&["influxd-ctl", "show"]).code, 0);
}

/// A volume that root made: refused with the fix, cured by one start as root, then usable without
/// root.
#[test]
fn a_volume_of_roots_is_refused_then_cured() {
    let Some(image) = Image::here() else { return };
    let volume = RootVolume::new();
    let mount = volume.mount();
    let as_ours = [&LOCKED_DOWN[..], &["-v", &mount, "--hostname", "meta-1"]].concat();

    let refused = image.run(&as_ours, &["-single-server"]);
    assert_eq!(refused.code, 77, "{refused:?}");
    for word in ["1000", "/var/lib/influxdb", "chown"] {
        assert!(refused.stderr.contains(word), "no {word:?} in {refused:?}");
    }

    let as_root = ["--user", "0", "-v", &mount, "--hostname", "meta-1"];
    let node = Container::start(&image, "as-root", &as_root, &["-single-server"]);
    node.wait_ready();
    let uids = docker(&["top", &node.name, "-o", "pid,uid"]);
    let uid = uids
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(1));
    assert_eq!(uid, Some("1000"), "it dropped root: {uids:?}");
    docker(&["stop", &node.name]);
    drop(node);

    let node = Container::start(&image, "cured", &as_ours, &["-single-server"]);
    node.wait_ready();
}

/// Root without the capability to change the volume's owner: the volume is writable, so the node
/// goes on and says so.
#[test]
fn root_without_capabilities_goes_on_with_a_warning() {
    let Some(image) = Image::here() else { return };
    let volume = RootVolume::new();
    let mount = volume.mount();
    let options = [
        &LOCKED_DOWN[..],
        &["--user", "0", "-v", &mount, "--hostname", "meta-1"],
    ]
    .concat();
    let node = Container::start(&image, "bare-root", &options, &["-single-server"]);
    node.wait_ready();
    let log = node.log();
    let warned = log
        .lines()
        .any(|line| line.to_lowercase().contains("warn") && line.contains("root"));
    assert!(warned, "no warning about root in:\n{log}");
}
