//! `influxd-ctl remove-data`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::run::{Net, Ran, ctl, ctl_at, done, failed};
use super::server::{Reply, status, unknown};

pub(super) fn no_content() -> Reply {
    Reply::Http(204, Vec::new(), String::new())
}

#[test]
fn a_data_node_is_taken_out() {
    let net = Net::new();
    let server = net.serve(|_| no_content());
    let want = done("Removed data node at data-1:8088\n");
    assert_eq!(ctl_at(&server, &["remove-data", "data-1:8088"]), want);
    assert_eq!(ctl_at(&server, &["remove-data", "-force", "data-1"]), want);
    assert_eq!(
        ctl_at(&server, &["remove-data", "-force=false", "data-1"]),
        want
    );
    assert_eq!(server.heard(), ["POST /remove-data"; 3]);
    let bodies: Vec<_> = server.asked().into_iter().map(|asked| asked.body).collect();
    let soft = "addr=data-1%3A8088&force=false&report=true";
    let forced = "addr=data-1%3A8088&force=true&report=true";
    assert_eq!(bodies, [soft, forced, soft]);
}

/// The node goes on with its data, and shards are lost: neither is silent.
#[test]
fn the_leftovers_of_a_forced_removal_are_told() {
    let net = Net::new();
    let report = r#"{"answers":true,"lost-shards":2,"lost":[{"id":7,"database":"db",
        "retention-policy":"rp","start-time":"2026-01-05T00:00:00Z","end-time":"2026-01-12T00:00:00Z"}]}"#;
    let server = net.serve(move |_| status(200, report));
    let stderr = "remove-data: data-1:8088 answers. With -force nothing on it was touched: it \
                  keeps its data, and learns from the meta nodes that it is no member. Without \
                  -force it would have been reset\n\
                  remove-data: the only copies of 2 shards were on data-1:8088. Their points are \
                  lost to the cluster; other data nodes take new ones:\n  \
                  shard 7 of db.rp, 2026-01-05T00:00:00Z to 2026-01-12T00:00:00Z\n  \
                  and 1 more\n";
    let want = Ran {
        stderr: stderr.to_owned(),
        ..done("Removed data node at data-1:8088\n")
    };
    assert_eq!(ctl_at(&server, &["remove-data", "-force", "data-1"]), want);
}

#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let cases = [
        (400, "node not found: data-1:8088"),
        (
            409,
            "shard 7 has its only copy on data-1:8088: copy it to another data node first, or use \
             force",
        ),
        (
            500,
            "/status at data-1:8088: connection refused: nothing was changed; a node that will not \
             come back needs force",
        ),
    ];
    for (code, text) in cases {
        let body = format!(r#"{{"error":"{text}"}}"#);
        let server = net.serve(move |_| status(code, &body));
        let want = format!("remove-data: operation exited with error: {text}\n");
        assert_eq!(
            ctl_at(&server, &["remove-data", "data-1:8088"]),
            failed("", &want)
        );
        assert_eq!(server.heard().len(), 1, "{text}");
    }
}

#[test]
fn no_leader_is_waited_for() {
    let net = Net::new();
    let times = AtomicUsize::new(0);
    let server = net.serve(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => status(
            503,
            r#"{"error":"no leader (1 of 3 meta nodes reachable)"}"#,
        ),
        _ => no_content(),
    });
    let stderr = "remove-data: no leader (1 of 3 meta nodes reachable); trying for up to 1m\n";
    let want = Ran {
        stderr: stderr.to_owned(),
        ..done("Removed data node at data-1:8088\n")
    };
    assert_eq!(
        ctl_at(&server, &["-timeout", "1m", "remove-data", "data-1:8088"]),
        want
    );
}

/// A second request would be answered with "no such node", or come while the first is half done.
#[test]
fn what_may_have_been_done_is_not_ordered_twice() {
    let net = Net::new();
    let outcome = "the outcome is unknown: the leader m:8091 did not answer (connection closed)";
    for (lost, said) in [
        (true, "BIND: connection closed before the answer"),
        (false, outcome),
    ] {
        let server = net.serve(move |_| match lost {
            true => Reply::Bytes(Vec::new()),
            false => unknown(outcome),
        });
        let want = format!(
            "remove-data: it may still happen: {said}; look with influxd-ctl show: is it still a \
             member?\n"
        );
        assert_eq!(
            ctl_at(&server, &["remove-data", "data-1:8088"]),
            failed("", &want)
        );
        assert_eq!(server.heard().len(), 1, "{said}");
    }
}

#[test]
fn arguments() {
    let said = "remove-data: addr value is empty\n";
    assert_eq!(
        ctl(&["-bind", "127.0.0.1:1", "remove-data", "-force"]),
        failed("", said)
    );
}
