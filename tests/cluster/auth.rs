//! Nodes with `auth-enabled`, and no admin yet: the cluster forms, and callers that know
//! `internal-shared-secret` can use it.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use crate::harness::ctl::{influxd_ctl, meta_nodes};
use crate::harness::http::{Response, request_with};
use crate::harness::node::{AT_LAST, Node, Nodes, SOON, program};
use crate::harness::{wait_for, wire};

const SECRET: &str = "the same long text on all nodes";
const JWT: [&str; 4] = ["-auth-type", "jwt", "-secret", SECRET];

fn guarded(mut nodes: Nodes) -> Nodes {
    nodes.set("INFLUXDB_META_AUTH_ENABLED", "true");
    nodes.set("INFLUXDB_META_INTERNAL_SHARED_SECRET", SECRET);
    nodes.set("INFLUXDB_META_GOSSIP_FREQUENCY", "250ms");
    nodes
}

/// Makes a token with `influxd-ctl`, like the one that a data node sends.
fn token() -> String {
    let printed = influxd_ctl(&[&JWT[..], &["token", "-exp", "5m"]].concat());
    assert_eq!(printed.code, 0, "{printed:?}");
    format!("Authorization: Bearer {}\r\n", printed.stdout.trim())
}

/// Asks under a name that is no member's, so that a follower forwards the request.
fn ask(
    node: &Node,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Result<Response, String> {
    let headers = format!("Host: published:18091\r\nUser-Agent: InfluxDB Meta Client\r\n{headers}");
    request_with(
        node.http(),
        method,
        path,
        &headers,
        body,
        Duration::from_secs(35),
    )
}

fn refused(response: &Response) -> (u16, String) {
    (
        response.status,
        response.json()["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[test]
fn three_nodes_form_and_are_used_with_the_secret_of_nodes() {
    let mut nodes = guarded(Nodes::new(3));
    nodes.start_all();
    nodes.wait_ready();
    let (leader, token) = (nodes.leader(), token());
    let follower = &nodes.all[(leader + 1) % 3];
    operator_commands(follower);
    a_tool_on_the_nodes_host_uses_its_secret(follower);
    data_nodes(&nodes, follower, &token);
    probes(follower, &token);
    announcements_are_taken(&nodes, &token);
    let logs = nodes.logs();
    assert!(!logs.contains(SECRET), "a secret in a log:\n{logs}");
}

/// As in `docker exec`: the variables of the node, no flag, nothing secret on the command line.
fn a_tool_on_the_nodes_host_uses_its_secret(node: &Node) {
    let run = |args: &[&str]| {
        let mut command = Command::new(program());
        command
            .arg0("influxd-ctl")
            .args(args)
            .env_clear()
            .env("INFLUXDB_META_HTTP_BIND_ADDRESS", node.http().to_string())
            .env("INFLUXDB_META_AUTH_ENABLED", "true")
            .env("INFLUXDB_META_INTERNAL_SHARED_SECRET", SECRET);
        command.output().expect("influxd-ctl runs")
    };
    let shown = run(&["show", "-v"]);
    assert!(shown.status.success(), "{shown:?}");
    assert_eq!(meta_nodes(&String::from_utf8_lossy(&shown.stdout)).len(), 3);
    for args in [
        &["-auth-type", "none", "show"][..],
        // A node that the operator names may be any: it gets nothing that was not asked for.
        &["-bind", &node.http().to_string(), "show"],
    ] {
        let refused = run(args);
        assert!(!refused.status.success(), "{args:?}: {refused:?}");
    }
}

fn operator_commands(node: &Node) {
    let without = node.ctl(&["show"]);
    let want = "show: operation exited with error: must create admin user first\n";
    assert_eq!(
        (
            without.code,
            without.stdout.as_str(),
            without.stderr.as_str()
        ),
        (1, "", want)
    );
    let other = node.ctl(&["-auth-type", "jwt", "-secret", "another", "show"]);
    assert_eq!(
        other.stderr,
        "show: operation exited with error: signature is invalid\n"
    );
    let told = "refused a caller at 127.0.0.1: must create admin user first; a data node there \
                needs meta-auth-enabled = true and meta-internal-shared-secret";
    wait_for("the refusal in the log", AT_LAST, || {
        node.log().contains(told).then_some(()).ok_or(node.log())
    });
    let shown = node.ctl_done(&[&JWT[..], &["show", "-v"]].concat());
    assert_eq!(meta_nodes(&shown).len(), 3, "{shown}");
    assert!(
        shown.contains("leader") && !shown.contains("unreachable"),
        "{shown}"
    );
    node.ctl_done(
        &[
            &JWT[..],
            &[
                "node-labels",
                "set",
                "-nodeid",
                "1",
                "-labels",
                "{\"az\":\"east\"}",
            ],
        ]
        .concat(),
    );
}

/// The leader checks callers as the follower does that forwarded the request.
fn data_nodes(nodes: &Nodes, node: &Node, token: &str) {
    let no_admin = (400, "must create admin user first".to_owned());
    let command = wire::create_database("db");
    let refusal = ask(node, "POST", "/execute", "", &command).expect("an answer");
    assert_eq!(refused(&refusal), no_admin);
    let done = ask(node, "POST", "/execute", token, &command).expect("an answer");
    assert_eq!(done.status, 200, "{}", done.text());
    let index = wire::response(&done.body).expect("created");
    let refusal = ask(node, "GET", "/?index=0", "", b"").expect("an answer");
    assert_eq!(refused(&refusal), no_admin);
    for node in &nodes.all {
        wait_for("the database everywhere", SOON, || {
            let polled = ask(node, "GET", "/?index=0", token, b"")?;
            let data = wire::data(&polled.body);
            let is_there = data.index >= index && data.databases == ["db"];
            if is_there {
                Ok(())
            } else {
                Err(format!("{} {data:?}", polled.status))
            }
        });
    }
}

fn probes(node: &Node, token: &str) {
    for path in ["/ping", "/ping?all=true", "/status", "/livez", "/readyz"] {
        assert_eq!(node.get(path).expect("an answer").status, 200, "{path}");
    }
    let health = node.health().expect("an answer");
    assert_eq!(
        health,
        serde_json::json!({ "status": "pass", "phase": "member" })
    );
    let whole = ask(node, "GET", "/healthz", token, b"")
        .expect("an answer")
        .json();
    assert_eq!(
        whole["raft_state"]["voters"].as_array().map(Vec::len),
        Some(3),
        "{whole}"
    );
    let metrics = node.get("/metrics").expect("an answer");
    assert_eq!(metrics.status, 400, "{}", metrics.text());
    for flags in [&["healthcheck"][..], &["healthcheck", "--ready"]] {
        let mut command = Command::new(program());
        command
            .args(flags)
            .env_clear()
            .env("INFLUXDB_META_CONFIG_PATH", "/dev/null");
        command.env("INFLUXDB_META_HTTP_BIND_ADDRESS", node.http().to_string());
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{flags:?}: {output:?}");
    }
}

/// Meta nodes prove themselves to each other, so their announcements are accepted.
fn announcements_are_taken(nodes: &Nodes, token: &str) {
    wait_for("announcements", SOON, || {
        let mut taken = 0;
        for node in &nodes.all {
            let metrics = ask(node, "GET", "/metrics", token, b"")?;
            assert_eq!(metrics.status, 200, "{}", metrics.text());
            let counts = metrics.text();
            let counts = counts
                .lines()
                .filter(|line| line.contains("route=\"/announce\""));
            for line in counts {
                assert!(line.contains("status=\"204\""), "{line}");
                taken += 1;
            }
        }
        if taken == 3 {
            Ok(())
        } else {
            Err(format!("{taken} nodes took one"))
        }
    });
}

/// The same when nodes are added manually: the operator presents the secret, and the nodes prove it
/// to each other.
#[test]
fn nodes_are_added_by_hand_with_the_secret_of_nodes() {
    let mut nodes = guarded(Nodes::without_peers(2));
    nodes.start_all();
    let (first, second) = (
        nodes.all[0].http().to_string(),
        nodes.all[1].http().to_string(),
    );
    let without = nodes.all[0].ctl(&["add-meta", &first]);
    let want =
        "add-meta: operation exited with error: unable to parse authentication credentials\n";
    // The port may open only while the command is trying.
    assert!(
        without.code == 1 && without.stderr.ends_with(want),
        "{without:?}"
    );
    for name in [&first, &second] {
        nodes.all[0].ctl_done(&[&JWT[..], &["-timeout", "40s", "add-meta", name]].concat());
    }
    nodes.wait_ready();
    wait_for("two members", AT_LAST, || shows(&nodes.all[1], 2));
    nodes.all[1].ctl_done(&[&JWT[..], &["-timeout", "40s", "leave", "-y"]].concat());
    wait_for("the end of a membership", SOON, || {
        let health = nodes.all[1].health()?;
        if health["phase"] == "removed" {
            Ok(())
        } else {
            Err(health.to_string())
        }
    });
}

/// A cluster that has run without authentication gets it node by node: the secret first, then
/// authentication.
#[test]
fn authentication_is_turned_on_node_by_node() {
    let mut nodes = Nodes::formed(3);
    nodes.all[0].create_database("before").expect("a command");
    for key in [
        "INFLUXDB_META_INTERNAL_SHARED_SECRET",
        "INFLUXDB_META_AUTH_ENABLED",
    ] {
        let value = if key.ends_with("SECRET") {
            SECRET
        } else {
            "true"
        };
        for n in 0..3 {
            nodes.all[n].terminate();
            nodes.all[n].set(key, value);
            nodes.all[n].start();
            nodes.all[n].wait_ready();
        }
    }
    let token = token();
    for node in &nodes.all {
        let command = wire::create_database(&format!("by-{}", node.ip));
        let done = ask(node, "POST", "/execute", &token, &command).expect("an answer");
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!(
            ask(node, "POST", "/execute", "", &command)
                .expect("an answer")
                .status,
            400
        );
    }
    // A new node, which proves itself although the cluster was founded without the secret.
    let new = nodes.add();
    nodes.all[new].start();
    wait_for("the fourth member", AT_LAST, || shows(&nodes.all[new], 4));
}

/// Runs `show` with the secret, which must show this many meta nodes and a leader.
fn shows(node: &Node, count: usize) -> Result<(), String> {
    let shown = node.ctl(&[&JWT[..], &["show"]].concat());
    if shown.code == 0 && meta_nodes(&shown.stdout).len() == count {
        Ok(())
    } else {
        Err(format!("{shown:?}"))
    }
}
