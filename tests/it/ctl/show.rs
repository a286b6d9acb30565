//! `influxd-ctl show`, to the byte.

use serde_json::{Value, json};

use super::run::{Net, Nobody, Ran, ctl_at, ctl_at_terminal};
use super::server::{Asked, Reply, json, redirect, status};

pub(super) const STATUS: &str = r#"{"nodeType":"meta","leader":"meta-2:8089","httpAddr":"meta-1:8091","raftAddr":"meta-1:8089","peers":["meta-1:8089","meta-2:8089","meta-3:8089"]}"#;

pub(super) const MEMBERS: &str = r#"{"data":[
 {"id":4,"tcpAddr":"influxdb-data-01:8088","httpAddr":"influxdb-data-01:8086","httpScheme":"http","status":"joined","version":"1.8.11-c1.2.0"},
 {"id":15,"tcpAddr":"d:8088","httpAddr":"d:8086","httpScheme":"","status":"joined","version":"","labels":{"zone":"b","az":"east"},"passive":true}],
"meta":[
 {"id":1,"addr":"meta-1:8091","httpScheme":"http","tcpAddr":"meta-1:8089","version":"1.12.4-c0.1.0"},
 {"id":2,"addr":"meta-2:8091","httpScheme":"http","tcpAddr":"meta-2:8089","version":"1.12.4-c0.1.0","labels":null}]}"#;

const TABLES: &str = "Data Nodes
==========
ID\tTCP Address\t\tHTTP Address\t\tVersion\t\tLabels\t\t\t\tPassive
4\tinfluxdb-data-01:8088\tinfluxdb-data-01:8086\t1.8.11-c1.2.0\t{}\t\t\t\tfalse
15\td:8088\t\t\td:8086\t\t\tunknown\t\t{\"az\":\"east\",\"zone\":\"b\"}\ttrue

Meta Nodes
==========
ID\tRaft Address\tHTTP Address\tVersion\t\tLabels
1\tmeta-1:8089\tmeta-1:8091\t1.12.4-c0.1.0\t{}
2\tmeta-2:8089\tmeta-2:8091\t1.12.4-c0.1.0\t{}

Raft Status
==========
Leader\tmeta-2:8089
Peers\t[\"meta-1:8089\", \"meta-3:8089\"]
";

/// A member of a healthy cluster, running another program that has no `/healthz`.
pub(super) fn member(asked: &Asked) -> Reply {
    match asked.what.as_str() {
        "GET /status" => json(STATUS),
        "GET /show-cluster" => json(MEMBERS),
        _ => status(400, r#"{"error":"error parsing index: unknown path"}"#),
    }
}

fn shown(stderr: &str) -> Ran {
    Ran {
        stdout: TABLES.to_owned(),
        stderr: stderr.to_owned(),
        code: Some(0),
    }
}

#[test]
fn the_members_in_three_blocks() {
    let net = Net::new();
    let server = net.serve(member);
    assert_eq!(ctl_at(&server, &["show"]), shown(""));
    let connections = server
        .asked()
        .into_iter()
        .map(|asked| asked.connection)
        .max();
    assert_eq!(connections, Some(0), "one connection is enough");
}

#[test]
fn the_members_as_json() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /healthz" => json(
            r#"{"status":"pass","phase":"member","http":"meta-2:8091","raft_id":2,"warnings":["w"],
             "raft_state":{"term":7,"role":"leader"}}"#,
        ),
        _ => member(asked),
    });
    let ran = ctl_at(&server, &["show", "-format", "json"]);
    assert_eq!(
        (ran.stderr.as_str(), ran.code),
        ("show: warning: w\n", Some(0))
    );
    let printed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let meta = |id, leader| {
        json!({"id": id, "raft_address": format!("meta-{id}:8089"),
               "http_address": format!("meta-{id}:8091"), "version": "1.12.4-c0.1.0",
               "labels": {}, "leader": leader})
    };
    let want = json!({
        "leader": "meta-2:8089",
        "peers": ["meta-1:8089", "meta-3:8089"],
        "data_nodes": [
            {"id": 4, "tcp_address": "influxdb-data-01:8088",
             "http_address": "influxdb-data-01:8086", "version": "1.8.11-c1.2.0",
             "labels": {}, "passive": false},
            {"id": 15, "tcp_address": "d:8088", "http_address": "d:8086", "version": null,
             "labels": {"az": "east", "zone": "b"}, "passive": true},
        ],
        "meta_nodes": [meta(1, false), meta(2, true)],
        "warnings": ["w"],
    });
    assert_eq!(printed, want);

    let ran = ctl_at(&server, &["show", "-v", "-format=json"]);
    let printed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let details = &printed["details"];
    assert_eq!(details[0]["http_address"], "meta-1:8091");
    assert_eq!(details[0]["health"], Value::Null);
    assert!(details[0]["error"].is_string(), "{details}");
    assert_eq!(details[1]["health"]["raft_state"]["role"], "leader");
    assert_eq!(details[1]["error"], Value::Null);
}

/// On a terminal, columns are aligned with spaces and the leader is green; `NO_COLOR` and a pipe
/// get no colour.
#[test]
fn a_terminal_gets_aligned_and_coloured_tables() {
    let net = Net::new();
    let server = net.serve(member);
    let bind = server.local.to_string();
    let args = ["-bind", bind.as_str(), "show"];
    let coloured = ctl_at_terminal(&args, &[("TERM", "xterm")]);
    let leader = "\x1b[32m2   meta-2:8089   meta-2:8091   1.12.4-c0.1.0  {}\x1b[0m";
    assert!(coloured.contains(leader), "{coloured:?}");
    let unreachable = "\x1b[31m15  d:8088                 d:8086 ";
    assert!(coloured.contains(unreachable), "{coloured:?}");
    let plain = ctl_at_terminal(&args, &[("TERM", "xterm"), ("NO_COLOR", "1")]);
    assert!(
        plain.contains("\n2   meta-2:8089   meta-2:8091   1.12.4"),
        "{plain:?}"
    );
    assert!(
        !plain.contains('\x1b') && !plain.contains('\t'),
        "{plain:?}"
    );
    assert_eq!(ctl_at_terminal(&args, &[("TERM", "dumb")]), plain);
}

/// A cluster without data nodes: the header line stays.
#[test]
fn an_empty_list_has_its_columns() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /status" => json(r#"{"nodeType":"meta","leader":"m:8089","peers":["m:8089"]}"#),
        "GET /show-cluster" => {
            json(r#"{"data":null,"meta":[{"id":1,"addr":"m:8091","tcpAddr":"m:8089"}]}"#)
        }
        _ => status(404, ""),
    });
    let want = "Data Nodes\n==========\nID\tTCP Address\tHTTP \
                Address\tVersion\t\tLabels\tPassive\n\n\
                Meta Nodes\n==========\nID\tRaft Address\tHTTP Address\tVersion\t\tLabels\n\
                1\tm:8089\t\tm:8091\t\tunknown\t\t{}\n\n\
                Raft Status\n==========\nLeader\tm:8089\nPeers\t[]\n";
    let want = Ran {
        stdout: want.to_owned(),
        stderr: String::new(),
        code: Some(0),
    };
    assert_eq!(ctl_at(&server, &["show"]), want);
}

#[test]
fn warnings_are_talk() {
    let net = Net::new();
    let server = net.serve(|asked| match asked.what.as_str() {
        "GET /healthz" => {
            json(r#"{"phase":"member","warnings":["2 voters: one failure stops the cluster"]}"#)
        }
        _ => member(asked),
    });
    let want = shown("show: warning: 2 voters: one failure stops the cluster\n");
    assert_eq!(ctl_at(&server, &["show"]), want);
}

#[test]
fn redirects_are_followed() {
    let net = Net::new();
    let leader = net.serve(member);
    let to = leader.local;
    let follower = net.serve(move |asked| {
        let path = asked.what.split(' ').nth(1).expect("a path");
        redirect(format!("http://{to}{path}"))
    });
    assert_eq!(ctl_at(&follower, &["show"]), shown(""));
    assert_eq!(
        leader.heard(),
        ["GET /status", "GET /show-cluster", "GET /healthz"]
    );
}

/// A node that restarts answers 503 for a while; one line says what is waited for.
#[test]
fn it_tries_again_within_the_timeout() {
    let net = Net::new();
    let failures = std::sync::atomic::AtomicUsize::new(3);
    let less = move |left: usize| left.checked_sub(1);
    let server = net.serve(move |asked| {
        let order = std::sync::atomic::Ordering::SeqCst;
        match failures.fetch_update(order, order, less) {
            Ok(_) => status(503, r#"{"error":"no leader"}"#),
            Err(_) => member(asked),
        }
    });
    assert_eq!(
        ctl_at(&server, &["-timeout", "1m", "show"]),
        shown("show: no leader; trying for up to 1m\n")
    );
    assert_eq!(server.heard()[..4], ["GET /status"; 4]);
}

const HEALTH_1: &str = r#"{"status":"pass","phase":"member","doing":"open","reason":"","missing":[],
 "http":"meta-1:8091","raft_id":1,"node_id":1,"warnings":[],"raft_state":{"term":7,"role":"follower","lag":0,
 "last_log":{"term":7,"index":120},"applied":{"term":7,"index":118}}}"#;

const HEALTH_2: &str = r#"{"phase":"joining","doing":"waiting","reason":"waiting for one","raft_id":5,
 "http":"elsewhere:8091","missing":[],"peer_proofs":"required","warnings":[],"catalog":{"bytes":857,"quota":1000},
 "raft_state":{"term":6,"role":"learner","last_log":null,"applied":{"term":6,"index":100}}}"#;

/// The bound node's details come from its earlier answer, and the other nodes are asked. A node
/// that does not answer delays nothing else.
#[test]
fn details_are_each_nodes_own_word() {
    let net = Net::new();
    let other = net.serve(|asked| match asked.what.as_str() {
        "GET /healthz" => json(HEALTH_2),
        _ => status(404, ""),
    });
    let nobody = Nobody::new();
    let gone = &nobody.address;
    let members = format!(
        r#"{{"data":null,"meta":[{{"id":1,"addr":"meta-1:8091"}},{{"id":2,"addr":"{}"}},{{"id":3,"addr":"{gone}"}}]}}"#,
        other.local
    );
    let server = net.serve(move |asked| match asked.what.as_str() {
        "GET /show-cluster" => json(&members),
        "GET /healthz" => json(HEALTH_1),
        _ => member(asked),
    });
    let Ran {
        stdout,
        stderr,
        code,
    } = ctl_at(&server, &["show", "-v"]);
    assert_eq!((stderr.as_str(), code), ("", Some(0)));
    let details = stdout.split("\n\n").nth(3).expect("a fourth block");
    let rows = [
        "1\tmeta-1:8091\tmember\t1\tfollower\t7\t118\t2\t-\t-\topen".to_owned(),
        format!(
            "2\t{}\tjoining\t5\tlearner\t6\t100\t20\t857 (85 %)\trequired\twaiting for one",
            other.local
        ),
        format!("3\t{gone}\t-\t-\t-\t-\t-\t-\t-\t-\tunreachable: connection refused"),
    ];
    let squeezed: Vec<String> = details.lines().map(squeeze).collect();
    assert_eq!(squeezed[0], "Details");
    assert_eq!(
        squeezed[2],
        "ID\tHTTP Address\tPhase\tRaft ID\tRole\tTerm\tApplied\tLag\tCatalog\tProofs\tState"
    );
    assert_eq!(squeezed[3..], rows);
}

/// A node with a secret hides its ids from other hosts. The bound node knows the members' Raft ids.
#[test]
fn the_raft_id_of_a_node_that_hides_it_is_that_of_the_bound_nodes_list() {
    let net = Net::new();
    let other = net.serve(|asked| match asked.what.as_str() {
        "GET /healthz" => json(
            r#"{"phase":"member","doing":"open","raft_id":null,"raft_state":{"term":6,"role":"follower",
            "leader":null,"members":[{"raft_id":null,"http":"meta-1:8091"}],"waiting":[{"http":"m4:8091"}]}}"#,
        ),
        _ => status(404, ""),
    });
    let members = format!(
        r#"{{"data":null,"meta":[{{"id":1,"addr":"meta-1:8091"}},{{"id":2,"addr":"{}"}}]}}"#,
        other.local
    );
    let health = format!(
        r#"{{"phase":"member","doing":"open","http":"meta-1:8091","raft_id":1,"raft_state":{{"term":6,
        "role":"leader","members":[{{"raft_id":1,"http":"meta-1:8091"}},{{"raft_id":5,"http":"{}"}}]}}}}"#,
        other.local
    );
    let server = net.serve(move |asked| match asked.what.as_str() {
        "GET /show-cluster" => json(&members),
        "GET /healthz" => json(&health),
        _ => member(asked),
    });
    let Ran { stdout, code, .. } = ctl_at(&server, &["show", "-v"]);
    assert_eq!(code, Some(0));
    let details = stdout.split("\n\n").nth(3).expect("a fourth block");
    let rows: Vec<String> = details.lines().skip(3).map(squeeze).collect();
    assert_eq!(
        rows[0],
        "1\tmeta-1:8091\tmember\t1\tleader\t6\t0\t0\t-\t-\topen"
    );
    let row = format!(
        "2\t{}\tmember\t5\tfollower\t6\t0\t0\t-\t-\topen",
        other.local
    );
    assert_eq!(rows[1], row);
    let Ran { stdout, .. } = ctl_at(&server, &["show", "-v", "-format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(json["details"][1]["health"]["raft_id"], 5, "{stdout}");
}

/// Joins the cells of a line without their padding.
fn squeeze(line: &str) -> String {
    line.split('\t')
        .filter(|cell| !cell.is_empty())
        .collect::<Vec<_>>()
        .join("\t")
}
