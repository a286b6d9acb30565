//! `influxd-ctl health`: the word, the problems, the exit code.

use serde_json::{Value, json};

use super::run::{Net, Nobody, Ran, ctl, ctl_at};
use super::server::{Asked, Reply, json};

/// A cluster of one meta node, at the address of the server, which answers `/healthz` so.
fn alone(health: Value, leader: &'static str) -> impl Fn(&Asked) -> Reply {
    move |asked| match asked.what.as_str() {
        "GET /status" => json(&json!({"nodeType": "meta", "leader": leader}).to_string()),
        "GET /show-cluster" => json(
            r#"{"data":[{"id":4,"tcpAddr":"d:8088","version":"1.8.11"}],
               "meta":[{"id":1,"addr":"m:8091","tcpAddr":"m:8089"}]}"#,
        ),
        _ => json(&health.to_string()),
    }
}

fn health_of(health: Value, leader: &'static str, args: &[&str]) -> Ran {
    let net = Net::new();
    let server = net.serve(alone(health, leader));
    ctl_at(&server, args)
}

fn said(stdout: &str, stderr: &str, code: i32) -> Ran {
    Ran {
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        code: Some(code),
    }
}

#[test]
fn each_state_has_its_word_and_exit_code() {
    let pass = || json!({"status": "pass", "phase": "member", "http": "m:8091"});
    let with = |field: &str, value: Value| {
        let mut health = pass();
        health[field] = value;
        health
    };
    let degraded = |why: &str| said("degraded\n", &format!("health: {why}\n"), 1);
    for (health, want) in [
        (pass(), said("healthy\n", "", 0)),
        // Advice about the configuration is no problem.
        (with("warnings", json!(["w"])), said("healthy\n", "", 0)),
        (
            with("alarms", json!(["clock"])),
            degraded("meta node m:8091 raises the alarm clock"),
        ),
        (
            json!({"status": "fail", "http": "m:8091", "doing": "halted", "reason": "halted: no"}),
            degraded("meta node m:8091 cannot serve: halted: no"),
        ),
        (
            with(
                "raft_state",
                json!({"role": "leader", "waiting": [{"http": "n:8091", "voter": true}]}),
            ),
            degraded("n:8091 waits to become a voter"),
        ),
    ] {
        assert_eq!(health_of(health, "m:8089", &["health"]), want);
    }
    let lost = health_of(pass(), "", &["health"]);
    let why = "health: BIND knows no leader\n";
    assert_eq!(lost, said("unavailable\n", why, 2));
}

/// A node that does not answer is a state, not a failure of the command: no retries, no `-timeout`.
#[test]
fn a_dead_node_is_reported_at_once() {
    let closed = Nobody::new();
    let ran = ctl(&["-bind", &closed.address, "-timeout", "1h", "health"]);
    let why = format!("health: {}: connection refused\n", closed.address);
    assert_eq!(ran, said("unavailable\n", &why, 2));
}

#[test]
fn json_has_the_problems() {
    let health = json!({"status": "pass", "http": "m:8091", "alarms": ["peers"]});
    let ran = health_of(health, "m:8089", &["health", "-format", "json"]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(1)));
    let printed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let want = json!({
        "status": "degraded",
        "problems": ["meta node m:8091 raises the alarm peers"],
    });
    assert_eq!(printed, want);
}
