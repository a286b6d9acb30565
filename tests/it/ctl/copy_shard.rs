//! `influxd-ctl copy-shard`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::remove_data::no_content;
use super::run::{Net, Ran, ctl, ctl_at, ctl_at_terminal, done, failed};
use super::server::{Asked, Reply, json, status};

/// A meta node that answers commands about shards with `order`.
pub(super) fn meta(order: impl Fn(&Asked) -> Reply) -> impl Fn(&Asked) -> Reply {
    move |asked| match asked.what.as_str() {
        "GET /status" => json(r#"{"nodeType":"meta","leader":"m:8089"}"#),
        _ => order(asked),
    }
}

const COPY: [&str; 4] = ["copy-shard", "data-1:8088", "data-2:8088", "7"];

#[test]
fn a_shard_is_copied() {
    let net = Net::new();
    let server = net.serve(meta(|_| no_content()));
    let want = done("Copied shard 7 from data-1:8088 to data-2:8088\n");
    assert_eq!(ctl_at(&server, &COPY), want);
    assert_eq!(
        ctl_at(&server, &["copy-shard", "data-1", "data-2", "007"]),
        want
    );
    assert_eq!(
        server.heard(),
        [
            "GET /status",
            "POST /copy-shard",
            "GET /status",
            "POST /copy-shard"
        ]
    );
    for asked in [&server.asked()[1], &server.asked()[3]] {
        let want = "src=data-1%3A8088&dest=data-2%3A8088&shard=7&report=true";
        assert_eq!(asked.body, want);
    }
}

/// No owner has a point of the shard: the operator hears that nothing was copied.
#[test]
fn an_empty_shard_is_named() {
    let net = Net::new();
    let server = net.serve(meta(|_| json(r#"{"empty":true}"#)));
    let want = Ran {
        stderr: "copy-shard: no owner of shard 7 holds a point of it, so there was nothing to \
                 copy; data-2:8088 owns it now too\n"
            .to_owned(),
        ..done("Copied shard 7 from data-1:8088 to data-2:8088\n")
    };
    assert_eq!(ctl_at(&server, &COPY), want);
}

/// A terminal shows how far the copy is, in a line that is deleted at its end; a pipe gets nothing
/// of it.
#[test]
fn a_terminal_shows_how_far_it_is() {
    let net = Net::new();
    let looks = Arc::new(AtomicUsize::new(0));
    let seen = looks.clone();
    let copying = r#"[{"source":"data-1:8088","dest":"data-2:8088","shard-id":7,
        "total-size":12900000,"current-size":2048}]"#;
    let server = net.serve(meta(move |asked| match asked.what.as_str() {
        "GET /copy-shard-status" => {
            seen.fetch_add(1, Ordering::SeqCst);
            json(copying)
        }
        // By the second look the first one is shown.
        _ => Reply::Held(seen.clone(), 2),
    }));
    let bind = server.local.to_string();
    let line = [&["-bind", bind.as_str()], &COPY[..]].concat();
    let shown = ctl_at_terminal(&line, &[("TERM", "xterm")]);
    assert!(
        shown.contains("\r\x1b[2Kshard 7 to data-2:8088: 2.0 KiB of 12.3 MiB"),
        "{shown:?}"
    );
    let end = "\r\x1b[2KCopied shard 7 from data-1:8088 to data-2:8088\n";
    assert!(shown.ends_with(end), "{shown:?}");
    assert!(looks.load(Ordering::SeqCst) >= 2);
}

/// A copy usually takes hours: `-timeout` is only for reaching the node.
#[test]
fn a_copy_is_waited_for_beyond_the_timeout() {
    let net = Net::new();
    let server = net.serve(meta(|_| {
        std::thread::sleep(std::time::Duration::from_secs(5));
        no_content()
    }));
    let want = done("Copied shard 7 from data-1:8088 to data-2:8088\n");
    assert_eq!(
        ctl_at(&server, &[&["-timeout", "4s"], &COPY[..]].concat()),
        want
    );
}

#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let cases = [
        (400, r#"unable to find node for "data-2:8088""#),
        (400, "shard not found for id: 7"),
        (400, r#""data-1:8088" is not an owner of shard 7"#),
        (409, "shard 7 is being copied to data-2:8088 already"),
        (500, "dial tcp: connection refused"),
    ];
    for (code, text) in cases {
        let body = serde_json::json!({ "error": text }).to_string();
        let server = net.serve(meta(move |_| status(code, &body)));
        let want = format!("copy-shard: operation exited with error: {text}\n");
        assert_eq!(ctl_at(&server, &COPY), failed("", &want));
        assert_eq!(server.heard().len(), 2, "{text}");
    }
}

#[test]
fn no_leader_is_waited_for() {
    let net = Net::new();
    let times = AtomicUsize::new(0);
    let server = net.serve(meta(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => status(503, r#"{"error":"no leader"}"#),
        _ => no_content(),
    }));
    let want = Ran {
        stderr: "copy-shard: no leader; trying for up to 1m\n".to_owned(),
        ..done("Copied shard 7 from data-1:8088 to data-2:8088\n")
    };
    assert_eq!(
        ctl_at(&server, &[&["-timeout", "1m"], &COPY[..]].concat()),
        want
    );
}

/// The first copy goes on at the data nodes: a second one would write to the same place.
#[test]
fn what_may_be_under_way_is_not_ordered_twice() {
    let net = Net::new();
    let server = net.serve(meta(|_| Reply::Bytes(Vec::new())));
    let want = "copy-shard: it may still happen: BIND: connection closed before the answer; look \
                with influxd-ctl copy-shard-status, and show-shards: who owns the shard?\n";
    assert_eq!(ctl_at(&server, &COPY), failed("", want));
    assert_eq!(server.heard(), ["GET /status", "POST /copy-shard"]);
}

/// A long command is not sent to a node that does not answer, or is not a meta node.
#[test]
fn a_node_that_is_silent_or_none_of_ours_gets_no_order() {
    let net = Net::new();
    let silent = net.serve(|_| Reply::Silence);
    let ran = ctl_at(&silent, &[&["-timeout", "300ms"], &COPY[..]].concat());
    let want = "copy-shard: operation timed out with error: BIND: no answer in time\n";
    assert!(ran.stderr.ends_with(want) && ran.code == Some(1), "{ran:?}");
    let data = net.serve(|_| json(r#"{"nodeType":"data"}"#));
    let want = "copy-shard: operation exited with error: BIND is not a meta node\n";
    assert_eq!(ctl_at(&data, &COPY), failed("", want));
    assert_eq!(
        (silent.heard(), data.heard()),
        (
            vec!["GET /status".to_owned()],
            vec!["GET /status".to_owned()]
        )
    );
}

#[test]
fn arguments() {
    let cases = [
        (&["copy-shard"][..], "srcAddr is required"),
        (&["copy-shard", ""], "srcAddr is required"),
        (&["copy-shard", "data-1"], "destAddr is required"),
        (&["copy-shard", "data-1", "", "7"], "destAddr is required"),
        (&["copy-shard", "data-1", "data-2"], "shardID is required"),
        (
            &["copy-shard", "data-1", "data-2", ""],
            "shardID is required",
        ),
        (
            &["copy-shard", "data-1", "DATA-1:8088", "7"],
            "destAddr and srcAddr are the same",
        ),
        (
            &["copy-shard", "data-1", "data-2", "x"],
            "error converting shardID to int: x",
        ),
        (
            &["copy-shard", "data-1", "data-2", "1.5"],
            "error converting shardID to int: 1.5",
        ),
        (
            &["copy-shard", "data-1", "data-2", "0"],
            "shardID must be greater than 0",
        ),
        (
            &["copy-shard", "http://data-1", "data-2", "7"],
            "\"http://data-1\" has a scheme: write host or host:port",
        ),
    ];
    for (args, said) in cases {
        let args = [&["-bind", "127.0.0.1:1"], args].concat();
        assert_eq!(
            ctl(&args),
            failed("", &format!("copy-shard: {said}\n")),
            "{args:?}"
        );
    }
}
