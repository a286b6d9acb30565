//! `influxd-ctl copy-shard-status`, to the byte.

use influxdb_meta::base::{ShardId, UnixNanos};
use influxdb_meta::wire::api::CopyInProgress;

use super::run::{Net, ctl_at, done, failed};
use super::server::{json, status};

fn copy(source: &str, shard: u64, sizes: (i64, i64)) -> CopyInProgress {
    CopyInProgress {
        source: source.to_owned(),
        dest: "data-2:8088".to_owned(),
        database: "telegraf".to_owned(),
        policy: "autogen".to_owned(),
        shard_id: ShardId(shard),
        total_size: sizes.0,
        current_size: sizes.1,
        started_at: UnixNanos(1_687_477_509_470_696_179).to_string(),
    }
}

#[test]
fn copies_under_way_as_our_node_writes_them() {
    let copies = [
        copy("data-1:8088", 9, (119_624_324, 5_000)),
        copy("influxdb-data-3:8088", 10, (0, 0)),
    ];
    let body = serde_json::to_string(&copies).expect("encodes");
    let net = Net::new();
    let server = net.serve(move |_| json(&body));
    let want = "\
Source                Dest         Database  Policy   ShardID  TotalSize  CurrentSize  StartedAt
data-1:8088           data-2:8088  telegraf  autogen  9        119624324  5000         2023-06-22 23:45:09.470696179 +0000 UTC
influxdb-data-3:8088  data-2:8088  telegraf  autogen  10       0          0            2023-06-22 23:45:09.470696179 +0000 UTC
";
    assert_eq!(ctl_at(&server, &["copy-shard-status"]), done(want));
    assert_eq!(server.heard(), ["GET /copy-shard-status"]);
}

#[test]
fn without_copies_there_are_the_columns() {
    let net = Net::new();
    let want = "Source  Dest  Database  Policy  ShardID  TotalSize  CurrentSize  StartedAt\n";
    for body in ["[]", "null"] {
        let server = net.serve(move |_| json(body));
        assert_eq!(ctl_at(&server, &["copy-shard-status"]), done(want));
    }
}

#[test]
fn no_leader_knows_of_no_copies() {
    let net = Net::new();
    let server = net.serve(|_| status(503, r#"{"error":"no leader"}"#));
    let want = "copy-shard-status: no leader; trying for up to 200ms\n\
                copy-shard-status: operation timed out with error: no leader\n";
    assert_eq!(
        ctl_at(&server, &["-timeout", "200ms", "copy-shard-status"]),
        failed("", want)
    );
}
