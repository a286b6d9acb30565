//! `influxd-ctl show-shards`, to the byte.

use serde_json::{Value, json};

use super::run::{Net, Ran, ctl_at, done, failed};
use super::server::{json, status};

const SHARDS: &str = r#"[
 {"id":1,"database":"db","retention-policy":"autogen","replica-n":2,"shard-group-id":1,
  "start-time":"2024-01-01T00:00:00Z","end-time":"2024-01-08T00:00:00Z","expire-time":"0001-01-01T00:00:00Z",
  "truncated-at":"0001-01-01T00:00:00Z","owners":[
   {"id":4,"tcpAddr":"a:8088","state":"","last-modified":"0001-01-01T00:00:00Z","size":0,"err":""},
   {"id":5,"tcpAddr":"b:8088","state":"","last-modified":"0001-01-01T00:00:00Z","size":0,"err":""}]},
 {"id":21,"database":"telegraf","retention-policy":"two_weeks","replica-n":1,"shard-group-id":20,
  "start-time":"2024-01-01T00:00:00Z","end-time":"2024-01-08T00:00:00Z","expire-time":"2024-01-22T00:00:00Z",
  "truncated-at":"2024-01-03T18:05:36.418734949Z","owners":[]}]"#;

const TABLE: &str = "Shards
==========
ID  Database  Retention Policy  Desired Replicas  Shard Group  Start                 End                              Expires               Owners
1   db        autogen           2                 1            2024-01-01T00:00:00Z  2024-01-08T00:00:00Z                                   [{4 a:8088} {5 b:8088}]
21  telegraf  two_weeks         1                 20           2024-01-01T00:00:00Z  2024-01-03T18:05:36.418734949Z*  2024-01-22T00:00:00Z  []
";

#[test]
fn shards_and_their_owners() {
    let net = Net::new();
    let server = net.serve(|_| json(SHARDS));
    assert_eq!(ctl_at(&server, &["show-shards"]), done(TABLE));
    assert_eq!(server.heard(), ["GET /show-shards"]);
}

/// The JSON of the meta node, with all its fields. Names stay harmless and the document valid.
#[test]
fn shards_as_json() {
    let net = Net::new();
    let mut odd: Value = serde_json::from_str(SHARDS).expect("JSON");
    odd[0]["database"] = json!("a\n\u{1b}[2J\u{7f}\u{9b}2J");
    let sent = odd.to_string();
    let server = net.serve(move |_| json(&sent));
    let ran = ctl_at(&server, &["show-shards", "-e", "-format", "json"]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    let is_control = |c: char| c.is_control() && c != '\n';
    assert!(!ran.stdout.contains(is_control), "{:?}", ran.stdout);
    assert_eq!(
        serde_json::from_str::<Value>(&ran.stdout).expect("JSON"),
        odd
    );
    assert_eq!(server.heard(), ["GET /show-shards?expired=true"]);
}

/// Names may contain anything. They forge no row and reach no terminal as commands.
#[test]
fn control_characters_of_names_are_escaped() {
    let net = Net::new();
    let name = "a\n9\u{1b}[2J\t\r\u{7f}\u{9b}2J";
    let mut odd = shard(1, &[held_by(4, "hot", "read\u{7}\nx")]);
    odd["database"] = json!(name);
    let server = net.serve(move |_| json(&json!([odd]).to_string()));
    let ran = ctl_at(&server, &["show-shards", "-v"]);
    assert_eq!(ran.stdout.lines().count(), 4, "{}", ran.stdout);
    let is_control = |c: char| c.is_control() && c != '\n';
    assert!(!ran.stdout.contains(is_control), "{:?}", ran.stdout);
    let row = ran.stdout.lines().nth(3).expect("a row");
    let want = r"a\n9\u{1b}[2J\t\r\u{7f}\u{9b}2J";
    assert!(row.contains(want) && row.contains(r"read\u{7}\nx"), "{row}");
    let refusing = net.serve(|_| status(500, "{\"error\":\"x\\u001b[2J\"}"));
    let refused = ctl_at(&refusing, &["show-shards"]);
    assert!(!refused.stderr.contains(is_control), "{:?}", refused.stderr);
    assert!(refused.stderr.contains(r"x\u{1b}[2J"), "{}", refused.stderr);
}

#[test]
fn what_is_asked_for() {
    let net = Net::new();
    let server = net.serve(|_| json("null"));
    let header = "Shards\n==========\nID  Database  Retention Policy  Desired Replicas  Shard \
                  Group  Start  End  Expires  Owners\n";
    for args in [
        &["show-shards", "-v"][..],
        &["show-shards", "-e"],
        &["show-shards", "-m", "-e", "-v"],
    ] {
        assert_eq!(ctl_at(&server, args), done(header), "{args:?}");
    }
    let want = [
        "GET /show-shards?verbose=true",
        "GET /show-shards?expired=true",
        "GET /show-shards?verbose=true&inconsistent=true&expired=true",
        "GET /show-shards?verbose=true&expired=true",
    ];
    assert_eq!(server.heard(), want);
}

/// Owners with the reports of their nodes; the second node has an error for its copy, the third has
/// no copy.
#[test]
fn owners_in_full() {
    let net = Net::new();
    let server = net.serve(|_| {
        json(
            r#"[{"id":1,"database":"db","retention-policy":"r","replica-n":3,"shard-group-id":2,
                "start-time":"2024-01-01T00:00:00Z","end-time":"2024-01-08T00:00:00Z",
                "expire-time":"0001-01-01T00:00:00Z","truncated-at":"0001-01-01T00:00:00Z","owners":[
                {"id":4,"tcpAddr":"a:8088","state":"hot","last-modified":"2026-11-23T03:34:20.006830624Z","size":16865,"err":""},
                {"id":5,"tcpAddr":"b:8088","state":"cold","last-modified":"2026-11-23T05:34:20+02:00","size":0,"err":"read x: denied"},
                {"id":6,"tcpAddr":"c:8088","state":"","last-modified":"0001-01-01T00:00:00Z","size":0,"err":"not found"}]}]"#,
        )
    });
    let owners = "[{4 a:8088 hot 2026-11-23 03:34:20.006830624 +0000 UTC 16865 <nil>} \
                  {5 b:8088 cold 2026-11-23 05:34:20 +0200 +0200 0 read x: denied} \
                  {6 c:8088  0001-01-01 00:00:00 +0000 UTC 0 not found}]";
    let ran = ctl_at(&server, &["show-shards", "-v"]);
    let row = ran.stdout.lines().nth(3).expect("a row");
    let want = "1   db        r                 3                 2            \
                2024-01-01T00:00:00Z  2024-01-08T00:00:00Z           ";
    assert_eq!(row, format!("{want}{owners}"));
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
}

fn held_by(node: u8, state: &str, err: &str) -> Value {
    json!({"id": node, "tcpAddr": format!("d{node}:8088"), "state": state, "size": 1, "err": err,
        "last-modified": "2026-11-23T03:34:20Z"})
}

fn shard(id: u8, owners: &[Value]) -> Value {
    json!({"id": id, "database": "db", "retention-policy": "r", "replica-n": 2, "shard-group-id": 2,
        "start-time": "2024-01-01T00:00:00Z", "end-time": "2024-01-08T00:00:00Z", "owners": owners})
}

/// The copies of a node that does not answer are unknown: that is not the same as "no inconsistent
/// shards".
#[test]
fn what_could_not_be_looked_at_is_a_failure() {
    let net = Net::new();
    let missing = shard(7, &[held_by(4, "hot", ""), held_by(5, "", "not found")]);
    let unread = shard(
        8,
        &[held_by(4, "hot", "size not known"), held_by(5, "cold", "")],
    );
    let refused = "ListShards at d6:8088: connection refused";
    let dark = shard(9, &[held_by(4, "hot", ""), held_by(6, "", refused)]);
    for (others, why) in [
        (vec![unread.clone()], None),
        (
            vec![unread, dark.clone(), dark],
            Some(format!(
                "show-shards: not all copies were looked at: data node 6 ({refused})\n"
            )),
        ),
    ] {
        let all = json!([vec![missing.clone()], others].concat()).to_string();
        let inconsistent = json!([missing]).to_string();
        let server = net.serve(
            move |asked| match asked.what.contains("inconsistent=true") {
                true => json(&inconsistent),
                false => json(&all),
            },
        );
        let Ran {
            stdout,
            stderr,
            code,
        } = ctl_at(&server, &["show-shards", "-m"]);
        let owners = "[{4 d4:8088 hot 2026-11-23 03:34:20 +0000 UTC 1 <nil>} \
                      {5 d5:8088  2026-11-23 03:34:20 +0000 UTC 1 not found}]\n";
        assert!(
            stdout.ends_with(owners) && stdout.lines().count() == 4,
            "{stdout}"
        );
        assert_eq!(code, Some(i32::from(why.is_some())));
        assert_eq!(stderr, why.unwrap_or_default());
    }
}

/// A copy on disk that the cluster does not know belongs to no database and no group.
#[test]
fn a_stray_copy_has_no_group() {
    let net = Net::new();
    let server = net.serve(|_| {
        json(
            r#"[{"id":99,"database":"","retention-policy":"","replica-n":0,"shard-group-id":0,
                "start-time":"0001-01-01T00:00:00Z","end-time":"0001-01-01T00:00:00Z",
                "expire-time":"0001-01-01T00:00:00Z","truncated-at":"0001-01-01T00:00:00Z","owners":[
                {"id":4,"tcpAddr":"a:8088","state":"cold","last-modified":"2026-11-23T03:34:20Z","size":7,"err":"not in the catalog"}]}]"#,
        )
    });
    let ran = ctl_at(&server, &["show-shards", "-m"]);
    let cells: Vec<_> = ran
        .stdout
        .lines()
        .nth(3)
        .expect("a row")
        .split("  ")
        .filter(|c| !c.is_empty())
        .collect();
    let owner = "[{4 a:8088 cold 2026-11-23 03:34:20 +0000 UTC 7 not in the catalog}]";
    assert_eq!(
        cells.iter().map(|cell| cell.trim()).collect::<Vec<_>>(),
        ["99", owner]
    );
}

/// Ids as text, `err` as null: as current InfluxDB Enterprise writes them.
#[test]
fn another_makes_spelling_is_read() {
    let net = Net::new();
    let server = net.serve(|_| {
        json(
            &SHARDS
                .replace("\"id\":1,", "\"id\":\"1\",")
                .replace("\"id\":4", "\"id\":\"4\"")
                .replace(r#""err":"""#, r#""err":null"#)
                .replace("\"owners\":[]", "\"owners\":null"),
        )
    });
    let ran = ctl_at(&server, &["show-shards"]);
    assert!(
        ran.stdout.contains("\n1   db ") && ran.stdout.contains(" [{4 a:8088} {5 b:8088}]\n"),
        "{ran:?}"
    );
}

#[test]
fn a_node_in_no_cluster_says_why() {
    let net = Net::new();
    let server = net.serve(|_| status(503, r#"{"error":"waiting for 1 of 3 founders"}"#));
    let want = "show-shards: waiting for 1 of 3 founders; trying for up to 200ms\n\
                show-shards: operation timed out with error: waiting for 1 of 3 founders\n";
    assert_eq!(
        ctl_at(&server, &["-timeout", "200ms", "show-shards"]),
        failed("", want)
    );
}
