//! `influxd-ctl add-meta`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::run::{Net, Ran, ctl_at, done, failed};
use super::server::{Asked, Reply, json, redirect, status};

const ADDED: &str =
    r#"{"id":3,"addr":"meta-3:8091","httpScheme":"","tcpAddr":"meta-3:8089","version":""}"#;

fn joins(asked: &Asked) -> Reply {
    match asked.what.as_str() {
        "GET /status" => {
            json(r#"{"nodeType":"meta","leader":"","httpAddr":"meta-3:8091","peers":null}"#)
        }
        "POST /join" => json(ADDED),
        _ => status(404, ""),
    }
}

#[test]
fn it_asks_the_bound_node_to_join_the_other() {
    let net = Net::new();
    let server = net.serve(joins);
    assert_eq!(
        ctl_at(&server, &["add-meta", "M3"]),
        done("Added meta node 3 at meta-3:8091\n")
    );
    let asked = server.asked();
    assert_eq!(
        (asked.len(), asked[0].what.as_str(), asked[0].body.as_str()),
        (1, "POST /join", "addr=m3%3A8091")
    );
    assert_eq!(
        asked[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

/// Without an address and without a terminal, a node in no cluster is not made one.
#[test]
fn without_an_address_a_fresh_node_founds_nothing() {
    let net = Net::new();
    let server = net.serve(joins);
    let ran = ctl_at(&server, &["add-meta"]);
    let cure = "to form a new cluster of it: influxd-ctl add-meta meta-3:8091\n";
    assert!(ran.code == Some(1) && ran.stderr.ends_with(cure), "{ran:?}");
    assert!(!server.heard().contains(&"POST /join".to_owned()));
}

#[test]
fn a_node_without_a_name_cannot_be_added_by_it() {
    let net = Net::new();
    let cases = [
        (r#"{"nodeType":"data"}"#, "BIND is not a meta node"),
        (
            r#"{"nodeType":"meta","httpAddr":""}"#,
            "BIND does not say what others call it",
        ),
    ];
    for (said, why) in cases {
        let server = net.serve(move |_| json(said));
        let want = format!("add-meta: operation exited with error: {why}\n");
        assert_eq!(ctl_at(&server, &["add-meta"]), failed("", &want));
        assert_eq!(server.heard(), ["GET /status"]);
    }
}

#[test]
fn a_redirect_carries_the_form_along() {
    let net = Net::new();
    let leader = net.serve(joins);
    let to = leader.local;
    let follower = net.serve(move |_| redirect(format!("http://{to}/join")));
    assert_eq!(
        ctl_at(&follower, &["add-meta", "m3:8091"]),
        done("Added meta node 3 at meta-3:8091\n")
    );
    assert_eq!(leader.asked()[0].body, "addr=m3%3A8091");
}

/// A join takes time, and a cluster may be electing: both give 503, and asking again is harmless.
#[test]
fn not_yet_is_asked_again() {
    let net = Net::new();
    let times = AtomicUsize::new(0);
    let server = net.serve(move |asked| match times.fetch_add(1, Ordering::SeqCst) {
        0..3 => status(503, r#"{"error":"still joining: meta-3:8091 catches up"}"#),
        _ => joins(asked),
    });
    let stderr = "add-meta: still joining: meta-3:8091 catches up; trying for up to 1m\n";
    let want = Ran {
        stderr: stderr.to_owned(),
        ..done("Added meta node 3 at meta-3:8091\n")
    };
    assert_eq!(
        ctl_at(&server, &["-timeout", "1m", "add-meta", "m3:8091"]),
        want
    );
    assert_eq!(server.heard(), ["POST /join"; 4]);
}

#[test]
fn not_yet_ends_with_the_timeout() {
    let net = Net::new();
    let server = net.serve(|_| status(503, r#"{"error":"still joining: x"}"#));
    let want = "add-meta: still joining: x; trying for up to 200ms\n\
                add-meta: not done: still joining: x\n";
    assert_eq!(
        ctl_at(&server, &["-timeout", "200ms", "add-meta", "m3:8091"]),
        failed("", want)
    );
}

#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let other = r#"{"error":"meta node at \"m:8091\" is a member of another cluster: leader=x peers=[x y]"}"#;
    let cases = [
        (400, r#"{"error":"addr is required"}"#, "addr is required"),
        (
            401,
            r#"{"error":"wrong secret: internal-shared-secret differs"}"#,
            "wrong secret: internal-shared-secret differs",
        ),
        (
            409,
            other,
            "meta node at \"m:8091\" is a member of another cluster: leader=x peers=[x y]",
        ),
        (410, r#"{"error":"taken out by ops"}"#, "taken out by ops"),
        (
            500,
            r#"{"error":"m:8091: connection refused"}"#,
            "m:8091: connection refused",
        ),
        (
            200,
            "{}",
            "BIND: unreadable answer: missing field `id` at line 1 column 2",
        ),
    ];
    for (code, body, text) in cases {
        let server = net.serve(move |_| status(code, body));
        let want = format!("add-meta: operation exited with error: {text}\n");
        assert_eq!(ctl_at(&server, &["add-meta", "m:8091"]), failed("", &want));
        assert_eq!(server.heard().len(), 1, "{code}");
    }
}
