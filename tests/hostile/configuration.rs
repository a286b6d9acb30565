//! Values that look right and are not, and tools that must find the node.

use std::fs;

use crate::harness::docker::{Container, Image};
use crate::harness::node::{Nodes, SOON};
use crate::harness::wait_for;

/// Starts a node of the image and waits until its own health check finds it ready. Then
/// `influxd-ctl` finds it, too, though nobody tells either of them where it listens.
fn tools_find_the_node(image: &Image, what: &str, options: &[&str], command: &[&str]) {
    let node = Container::start(image, what, options, command);
    node.wait_ready();
    let check = node.exec(&["influxd-meta", "healthcheck", "--live"]);
    assert_eq!(check.code, 0, "{what}: {check:?}");
    let shown = node.exec(&["influxd-ctl", "show"]);
    assert_eq!(shown.code, 0, "{what}: {shown:?}");
    assert!(shown.stdout.contains(":9091"), "{what}: {}", shown.stdout);
}

#[test]
fn health_check_and_influxd_ctl_find_a_node_on_another_port() {
    let Some(image) = Image::here() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("my.conf");
    fs::write(&file, "[meta]\nhttp-bind-address = \":9091\"\n").expect("a file");
    let mount = format!("{}:/my.conf:ro", file.display());
    let run: &[&str] = &["run", "-config", "/my.conf", "-single-server"];
    // Locked down, as an arbitrary user; beside an init; among the processes of the host; after
    // root was dropped; and by a variable.
    let own_volume = "/var/lib/influxdb:uid=12345";
    let locked: &[&str] = &[
        "--read-only",
        "--cap-drop",
        "ALL",
        "--user",
        "12345",
        "--tmpfs",
        own_volume,
        "-v",
        &mount,
    ];
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("locked", locked, run),
        ("init", &["-v", &mount, "--init"], run),
        ("pid-host", &["-v", &mount, "--pid", "host"], run),
        ("root", &["-v", &mount, "--user", "0"], &run[1..]),
        (
            "variable",
            &["-e", "INFLUXDB_META_HTTP_BIND_ADDRESS=:9091"],
            &["-single-server"],
        ),
    ];
    std::thread::scope(|scope| {
        for (what, options, command) in cases {
            let image = &image;
            scope.spawn(move || tools_find_the_node(image, what, options, command));
        }
    });
}

/// Two of three nodes have the secret and require proofs by `raft-portal-auth-required`. They do
/// not wait until the third one has shown it, as they would without the key.
#[test]
fn a_node_that_requires_proofs_hears_no_member_without_the_secret() {
    let mut nodes = Nodes::formed(3);
    for node in &mut nodes.all {
        node.kill();
    }
    for node in &mut nodes.all[..2] {
        node.set(
            "INFLUXDB_META_INTERNAL_SHARED_SECRET",
            "a long text that nobody guesses",
        );
        node.set("INFLUXDB_META_RAFT_PORTAL_AUTH_REQUIRED", "true");
    }
    nodes.start_all();
    for node in &nodes.all[..2] {
        node.wait_ready();
        let health = node.health().expect("health");
        assert_eq!(health["peer_proofs"], "required", "{health}");
    }
    nodes.all[0].goes_on("of-two");
    let third = &mut nodes.all[2];
    wait_for("third node without its cluster", SOON, || {
        match third.get("/readyz")?.status {
            503 => Ok(()),
            status => Err(status.to_string()),
        }
    });
    third.terminate();
    third.set(
        "INFLUXDB_META_INTERNAL_SHARED_SECRET",
        "a long text that nobody guesses",
    );
    third.start();
    nodes.wait_ready();
    nodes.wait_equal();
}

/// Quotes and placeholders that `--env-file` and templates leave in a value end the start, with the
/// key and the cure.
#[test]
fn a_quoted_or_relative_directory_never_leaves_the_volume() {
    let Some(image) = Image::here() else { return };
    for (value, cure) in [
        (
            "\"/var/lib/influxdb/meta\"",
            "has quotes: write it without them",
        ),
        ("meta", "is relative: write the whole path"),
        (
            "/var/lib/${DATA}/meta",
            "has a placeholder that nothing has replaced",
        ),
    ] {
        let variable = format!("INFLUXDB_META_DIR={value}");
        let ended = image.run(&["--user", "0", "-e", &variable], &["-single-server"]);
        assert_eq!(ended.code, 78, "{ended:?}");
        assert!(
            ended.stderr.contains("INFLUXDB_META_DIR: [meta] dir ="),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(cure), "{ended:?}");
    }
}
