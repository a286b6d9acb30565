//! Values that look right and are not, and tools that must find the node.

use std::fs;

use crate::harness::docker::{Container, Image};

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
