//! `influxd-ctl update-data`.

use super::run::{Net, ctl, ctl_at, done, failed};
use super::server::{Reply, json, status};

const UPDATED: &str = r#"{"id":4,"tcpAddr":"data-9:8088","httpAddr":"data-9:8086","httpScheme":"","status":"","version":""}"#;

#[test]
fn another_machine_takes_the_place() {
    let net = Net::new();
    let server = net.serve(|_| json(UPDATED));
    let want = done("updated data node 4 to data-9:8088\n");
    assert_eq!(
        ctl_at(&server, &["update-data", "data-1:8088", "data-9:8088"]),
        want
    );
    assert_eq!(ctl_at(&server, &["update-data", "data-1", "data-9"]), want);
    assert_eq!(server.heard(), ["POST /update-data"; 2]);
    for asked in server.asked() {
        assert_eq!(asked.body, "oldAddr=data-1%3A8088&newAddr=data-9%3A8088");
    }
}

/// A data node that lost its data comes back under its own address: the meta node decides what that
/// means.
#[test]
fn old_and_new_may_be_the_same() {
    let net = Net::new();
    let server = net.serve(|_| json(&UPDATED.replace("data-9", "data-1")));
    let want = done("updated data node 4 to data-1:8088\n");
    assert_eq!(
        ctl_at(&server, &["update-data", "data-1:8088", "data-1:8088"]),
        want
    );
    assert_eq!(
        server.asked()[0].body,
        "oldAddr=data-1%3A8088&newAddr=data-1%3A8088"
    );
}

#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let cases = [
        (400, "no data node with bind address data-1:8088 exists"),
        (
            400,
            "cannot update data node data-1:8088 to data-9:8088; data-9:8088 is already part of \
             cluster",
        ),
        (500, "already joined to cluster"),
    ];
    for (code, text) in cases {
        let body = format!(r#"{{"error":"{text}"}}"#);
        let server = net.serve(move |_| status(code, &body));
        let want = format!("update-data: operation exited with error: {text}\n");
        assert_eq!(
            ctl_at(&server, &["update-data", "data-1", "data-9"]),
            failed("", &want)
        );
        assert_eq!(server.heard().len(), 1, "{text}");
    }
}

#[test]
fn what_may_have_been_done_is_not_ordered_twice() {
    let net = Net::new();
    let server = net.serve(|_| Reply::Bytes(Vec::new()));
    let want = "update-data: it may still happen: BIND: connection closed before the answer; look \
                with influxd-ctl show: which address has the node?\n";
    assert_eq!(
        ctl_at(&server, &["update-data", "data-1", "data-9"]),
        failed("", want)
    );
    assert_eq!(server.heard().len(), 1);
}

#[test]
fn arguments() {
    for (args, said) in [
        (&["update-data"][..], "old-addr value is empty"),
        (&["update-data", "data-1:8088"], "new-addr value is empty"),
    ] {
        let args = [&["-bind", "127.0.0.1:1"], args].concat();
        assert_eq!(ctl(&args), failed("", &format!("update-data: {said}\n")));
    }
}
