//! `influxd-ctl remove-shard`.

use super::copy_shard::meta;
use super::remove_data::no_content;
use super::run::{Net, ctl, ctl_at, done, failed};
use super::server::{Reply, status};

#[test]
fn a_copy_is_removed() {
    let net = Net::new();
    let server = net.serve(meta(|_| no_content()));
    let want = done("Removed shard 7 from data-1:8088\n");
    assert_eq!(ctl_at(&server, &["remove-shard", "data-1:8088", "7"]), want);
    assert_eq!(
        ctl_at(&server, &["remove-shard", "-force", "data-1", "7"]),
        want
    );
    assert_eq!(
        server.heard(),
        [
            "GET /status",
            "POST /remove-shard",
            "GET /status",
            "POST /remove-shard"
        ]
    );
    let asked = server.asked();
    assert_eq!(asked[1].body, "src=data-1%3A8088&shard=7");
    assert_eq!(asked[3].body, "src=data-1%3A8088&shard=7&force=true");
}

#[test]
fn a_refusal_is_final() {
    let net = Net::new();
    let cases = [
        (400, r#""data-1:8088" is not an owner of shard 7"#),
        (
            409,
            "shard 7 has its only copy on data-1:8088: copy it to another data node first, or use \
             force",
        ),
        (
            500,
            "data-1:8088 is no owner of shard 7 any more, but may still hold its data (no answer \
             in time)",
        ),
    ];
    for (code, text) in cases {
        let body = serde_json::json!({ "error": text }).to_string();
        let server = net.serve(meta(move |_| status(code, &body)));
        let want = format!("remove-shard: operation exited with error: {text}\n");
        assert_eq!(
            ctl_at(&server, &["remove-shard", "data-1", "7"]),
            failed("", &want)
        );
        assert_eq!(server.heard().len(), 2, "{text}");
    }
}

#[test]
fn what_may_have_been_done_is_not_ordered_twice() {
    let net = Net::new();
    let server = net.serve(meta(|_| Reply::Bytes(Vec::new())));
    let want = "remove-shard: it may still happen: BIND: connection closed before the answer; look \
                with influxd-ctl show-shards: who owns the shard?\n";
    assert_eq!(
        ctl_at(&server, &["remove-shard", "data-1", "7"]),
        failed("", want)
    );
    assert_eq!(server.heard().len(), 2);
}

#[test]
fn arguments() {
    let cases = [
        (&["remove-shard"][..], "srcAddr is required"),
        (&["remove-shard", "-force", "data-1"], "shardID is required"),
        (
            &["remove-shard", "data-1", "seven"],
            "error converting shardID to int: seven",
        ),
        (
            &["remove-shard", "data-1", "0"],
            "shardID must be greater than 0",
        ),
    ];
    for (args, said) in cases {
        let args = [&["-bind", "127.0.0.1:1"], args].concat();
        assert_eq!(
            ctl(&args),
            failed("", &format!("remove-shard: {said}\n")),
            "{args:?}"
        );
    }
}
