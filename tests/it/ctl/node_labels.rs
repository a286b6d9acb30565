//! `influxd-ctl node-labels`.

use super::run::{Net, ctl_at, done, failed};
use super::server::{Reply, status, unknown};

#[test]
fn labels_are_sent_as_json_and_no_news_is_good_news() {
    let net = Net::new();
    let server = net.serve(|_| Reply::Http(204, Vec::new(), String::new()));
    let set = [
        "node-labels",
        "set",
        "-nodeid",
        "2",
        "-labels",
        r#"{"rack":"7","az":"ea st"}"#,
    ];
    let delete = [
        "node-labels",
        "delete",
        "-nodeid=2",
        r#"--labels=["rack","az"]"#,
    ];
    assert_eq!(ctl_at(&server, &set), done(""));
    assert_eq!(ctl_at(&server, &delete), done(""));
    assert_eq!(server.heard(), ["POST /node-labels"; 2]);
    let asked = server.asked();
    assert_eq!(
        asked[0].body,
        r#"{"nodeid":2,"set":{"az":"ea st","rack":"7"}}"#
    );
    assert_eq!(asked[1].body, r#"{"nodeid":2,"delete":["az","rack"]}"#);
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
}

#[test]
fn an_unknown_node_is_said_to_be_one() {
    let net = Net::new();
    let server = net.serve(|_| status(404, r#"{"error":"node not found"}"#));
    let args = ["node-labels", "set", "-nodeid", "9", "-labels", "{}"];
    let want = "node-labels: operation exited with error: node not found\n";
    assert_eq!(ctl_at(&server, &args), failed("", want));
    assert_eq!(server.heard().len(), 1);
}

#[test]
fn no_leader_is_waited_for() {
    let net = Net::new();
    let server = net.serve(|_| status(503, r#"{"error":"no leader"}"#));
    let args = [
        "-timeout",
        "200ms",
        "node-labels",
        "delete",
        "-nodeid",
        "1",
        "-labels",
        r#"["az"]"#,
    ];
    let want = "node-labels: no leader; trying for up to 200ms\n\
                node-labels: not done: no leader\n";
    assert_eq!(ctl_at(&server, &args), failed("", want));
}

/// A leader is elected while the tool waits: the request is sent again, and succeeds.
#[test]
fn a_request_is_sent_again_until_there_is_a_leader() {
    let net = Net::new();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server =
        net.serve(
            move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 | 1 => status(503, r#"{"error":"no leader"}"#),
                _ => Reply::Http(204, Vec::new(), String::new()),
            },
        );
    let args = ["-timeout", "60s", "node-labels", "delete", "-nodeid", "1"];
    let args = [&args[..], &["-labels", r#"["az"]"#]].concat();
    assert_eq!(ctl_at(&server, &args).code, Some(0));
    assert_eq!(server.heard().len(), 3);
}

/// An earlier request may be in the log of a leader, and be applied once there is a majority. The
/// last error must not hide that.
#[test]
fn a_change_that_may_still_happen_is_never_said_to_have_failed() {
    let net = Net::new();
    let args = ["-timeout", "200ms", "node-labels", "delete"];
    let args = [&args[..], &["-nodeid", "1", "-labels", r#"["az"]"#]].concat();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let outcome = "the outcome is unknown: no majority";
    let server =
        net.serve(
            move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => unknown(outcome),
                _ => status(503, r#"{"error":"no leader"}"#),
            },
        );
    let want = format!(
        "node-labels: {outcome}; trying for up to 200ms\n\
         node-labels: it may still happen: no leader; look with influxd-ctl show: which labels has \
         the node?\n"
    );
    assert_eq!(ctl_at(&server, &args), failed("", &want));
    assert!(server.heard().len() > 1);
    // Nothing came back: the node may have executed it.
    let silent = net.serve(|_| Reply::Silence);
    let want = "node-labels: it may still happen: BIND: no answer in time; look with influxd-ctl \
                show: which labels has the node?\n";
    assert_eq!(ctl_at(&silent, &args), failed("", want));
}

/// The node answers before the tool gives up, because the tool says how long it waits.
#[test]
fn a_request_says_how_long_its_answer_is_waited_for() {
    let net = Net::new();
    let server = net.serve(|_| Reply::Http(204, Vec::new(), String::new()));
    let args = ["-timeout", "7s", "node-labels", "delete"];
    let args = [&args[..], &["-nodeid", "1", "-labels", r#"["az"]"#]].concat();
    assert_eq!(ctl_at(&server, &args), done(""));
    let asked = server.asked();
    let timeout = asked[0].header("influxd-meta-timeout");
    let timeout: u64 = timeout.and_then(|ms| ms.parse().ok()).expect("a number");
    assert!((1..=7000).contains(&timeout), "{timeout}");
}
