//! `influxd-ctl truncate-shards`.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::remove_data::no_content;
use super::run::{Net, Ran, ctl_at, done, failed};
use super::server::{Reply, status};

#[test]
fn shards_are_truncated_after_a_delay() {
    let net = Net::new();
    let server = net.serve(|_| no_content());
    let want = done("Truncated shards.\n");
    for args in [
        &["truncate-shards"][..],
        &["truncate-shards", "-delay", "90s"],
        &["truncate-shards", "-delay=-5m"],
    ] {
        assert_eq!(ctl_at(&server, args), want, "{args:?}");
    }
    assert_eq!(
        ctl_at(&server, &["truncate-shards", "-delay", "-1.5h"]),
        want
    );
    assert_eq!(server.heard(), ["POST /truncate-shards"; 4]);
    let bodies: Vec<_> = server.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!(
        bodies,
        ["delay=1m0s", "delay=90s", "delay=-5m", "delay=-1.5h"]
    );
}

/// Idempotent, so it is retried: shards that were truncated end before the second time.
#[test]
fn it_is_asked_again_until_it_is_done() {
    let net = Net::new();
    let times = AtomicUsize::new(0);
    let server = net.serve(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Bytes(Vec::new()),
        1 => status(503, r#"{"error":"no leader"}"#),
        _ => no_content(),
    });
    let stderr =
        "truncate-shards: BIND: connection closed before the answer; trying for up to 1m\n";
    let want = Ran {
        stderr: stderr.to_owned(),
        ..done("Truncated shards.\n")
    };
    assert_eq!(
        ctl_at(&server, &["-timeout", "1m", "truncate-shards"]),
        want
    );
}

#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let server = net.serve(|_| status(400, r#"{"error":"time: invalid duration \"\""}"#));
    let want = "truncate-shards: operation exited with error: time: invalid duration \"\"\n";
    assert_eq!(ctl_at(&server, &["truncate-shards"]), failed("", want));
}
