//! `influxd-ctl add-data`.

use super::run::{Net, Nobody, Ran, ctl, ctl_at, done, failed};
use super::server::{Asked, Reply, json, status};

/// Answer of this program's meta node.
const ADDED: &str = r#"{"id":4,"tcpAddr":"data-1:8088","httpAddr":"data-1:8086","httpScheme":"","status":"","version":""}"#;

fn leader(asked: &Asked) -> Reply {
    match asked.what.as_str() {
        "POST /add-data" => json(ADDED),
        _ => status(404, ""),
    }
}

#[test]
fn a_data_node_is_added_by_its_tcp_address() {
    let net = Net::new();
    let server = net.serve(leader);
    let want = done("Added data node 4 at data-1:8088\n");
    assert_eq!(ctl_at(&server, &["add-data", "data-1:8088"]), want);
    assert_eq!(ctl_at(&server, &["add-data", "-p=false", "Data-1"]), want);
    assert_eq!(server.heard(), ["POST /add-data"; 2]);
    let asked = server.asked();
    assert_eq!(asked[0].body, "addr=data-1%3A8088");
    assert_eq!(
        asked[1].body, "addr=Data-1%3A8088",
        "as typed, with the usual port"
    );
    assert_eq!(
        asked[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

fn passive(is: &'static str) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    move |asked| match asked.what.as_str() {
        "GET /show-cluster" => json(&format!(
            r#"{{"data":[{{"id":3,"tcpAddr":"data-0:8088","passive":false}},
                {{"id":4,"tcpAddr":"data-1:8088","passive":{is}}}],"meta":null}}"#
        )),
        _ => leader(asked),
    }
}

#[test]
fn a_passive_one_is_asked_for_as_such() {
    let net = Net::new();
    let server = net.serve(passive("true"));
    assert_eq!(
        ctl_at(&server, &["add-data", "-p", "data-1"]),
        done("Added data node 4 at data-1:8088\n")
    );
    assert_eq!(server.asked()[0].body, "addr=data-1%3A8088&passive=true");
}

/// A node that is a member already is not changed. An operator who asked for a passive node must
/// learn that this one is not.
#[test]
fn a_member_that_is_not_passive_is_said_to_be_none() {
    let net = Net::new();
    let server = net.serve(passive("false"));
    let note = "add-data: data node 4 was a member already and is not passive: \
                only a node that is added becomes so\n";
    let want = Ran {
        stderr: note.to_owned(),
        ..done("Added data node 4 at data-1:8088\n")
    };
    assert_eq!(ctl_at(&server, &["add-data", "-p", "data-1:8088"]), want);
}

#[test]
fn what_keeps_it_away_is_a_failure() {
    let net = Net::new();
    let cases = [
        (500, "already joined to cluster"),
        (500, "JoinCluster at data-1:8088: connection refused"),
        (
            400,
            "data node failed to contact valid meta server in list []",
        ),
        (403, "user bob lacks the permission AddRemoveNode"),
    ];
    for (code, text) in cases {
        let body = format!(r#"{{"error":"{text}"}}"#);
        let server = net.serve(move |_| status(code, &body));
        let want = format!("add-data: operation exited with error: {text}\n");
        assert_eq!(
            ctl_at(&server, &["add-data", "data-1:8088"]),
            failed("", &want)
        );
        assert_eq!(server.heard().len(), 1, "{text}");
    }
}

#[test]
fn no_leader_and_nobody_there_are_waited_for() {
    let net = Net::new();
    let server = net.serve(|_| status(503, r#"{"error":"no leader"}"#));
    let args = ["-timeout", "200ms", "add-data", "data-1:8088"];
    let want = "add-data: no leader; trying for up to 200ms\n\
                add-data: not done: no leader\n";
    assert_eq!(ctl_at(&server, &args), failed("", want));
    let nobody = Nobody::new();
    let gone = &nobody.address;
    let want = format!(
        "add-data: {gone}: connection refused; trying for up to 200ms\n\
         add-data: not done: {gone}: connection refused\n"
    );
    assert_eq!(
        ctl(&[&["-bind", gone], &args[..]].concat()),
        failed("", &want)
    );
}

/// Data nodes may be slow: once the request was received, the answer is waited for, beyond
/// `-timeout`.
#[test]
fn an_answer_is_waited_for_beyond_the_timeout() {
    let net = Net::new();
    let server = net.serve(|asked| {
        std::thread::sleep(std::time::Duration::from_millis(500));
        leader(asked)
    });
    let args = ["-timeout", "100ms", "add-data", "data-1:8088"];
    assert_eq!(
        ctl_at(&server, &args),
        done("Added data node 4 at data-1:8088\n")
    );
    assert_eq!(server.heard().len(), 1);
}

#[test]
fn arguments() {
    let said = "add-data: tcpAddr value is empty\n";
    assert_eq!(ctl(&["-bind", "127.0.0.1:1", "add-data"]), failed("", said));
}
