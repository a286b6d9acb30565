//! `POST /node-labels`, and the answers that show labels.

use influxdb_meta::base::Text;
use influxdb_meta::machine::WireCommand;
use influxdb_meta::wire::envelope::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::cluster::{Node, TestCluster};
use super::harness::{PATIENCE, Reply, until};

async fn change(node: &Node, host: &str, body: &str) -> Reply {
    let length = body.len();
    // curl's default content type: it says "form" for a body of JSON.
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let request = format!(
        "POST /node-labels HTTP/1.1\r\nHost: {host}\r\n{form}Content-Length: {length}\r\n\r\n{body}"
    );
    node.http.ask(request.as_bytes()).await
}

async fn shown(node: &Node) -> Value {
    let members = node.http.get("/show-cluster").await.json();
    Value::Array(
        members["meta"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|n| n["labels"].clone())
            .collect(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_are_set_and_deleted_and_shown_by_every_node() {
    let cluster = TestCluster::of(2).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    assert_eq!(
        shown(leader).await,
        json!([{}, {}]),
        "{{}} when there are none"
    );
    let steps = [
        (
            r#"{"nodeid":2,"set":{"az":"east","rack":"7"}}"#,
            json!({"az": "east", "rack": "7"}),
        ),
        (
            r#"{"nodeid":2,"set":{"az":"west"},"delete":["rack","none"]}"#,
            json!({"az": "west"}),
        ),
        (
            r#"{"nodeid":2,"set":{},"delete":null}"#,
            json!({"az": "west"}),
        ),
        (r#"{"nodeid":2,"delete":["az"]}"#, json!({})),
    ];
    for (body, want) in steps {
        let reply = change(leader, "x", body).await;
        assert_eq!((reply.status(), reply.text()), (204, ""), "{body}");
        assert_eq!(shown(leader).await, json!([{}, want]), "{body}");
    }
    let index = leader.index();
    assert_eq!(
        change(follower, "x", r#"{"nodeid":1,"set":{"a":"b"}}"#)
            .await
            .status(),
        204,
        "carried"
    );
    let applied = || {
        follower
            .raft
            .applied()
            .borrow()
            .catalog
            .meta_nodes
            .values()
            .any(|n| !n.labels.is_empty())
    };
    until("the follower has it too", applied).await;
    assert_eq!(shown(follower).await, json!([{"a": "b"}, {}]));
    assert_eq!(
        leader.index(),
        index,
        "the wire's data has no labels of meta nodes: nobody is woken"
    );
    // Forwarded as well where the caller used the follower's own name.
    let set = r#"{"nodeid":1,"set":{"a":"c"}}"#;
    assert_eq!(change(follower, &follower.host(), set).await.status(), 204);
    assert_eq!(shown(leader).await, json!([{"a": "c"}, {}]));
}

/// Data nodes get their ids from the same counter as meta nodes, so one route serves both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_nodes_have_labels_too() {
    let cluster = TestCluster::of(2).await;
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let (http, tcp) = (Text::from("data-1:8086"), Text::from("data-1:8088"));
    let created = Body::from(WireCommand::CreateDataNode { http, tcp });
    leader
        .raft
        .propose(created, Instant::now() + PATIENCE)
        .await
        .expect("created");
    let index = leader.index();
    let shown = async |node: &Node| node.http.get("/show-cluster").await.json()["data"][0].clone();
    assert_eq!(
        (&shown(leader).await["id"], &shown(leader).await["labels"]),
        (&json!(3), &json!({}))
    );
    let set = r#"{"nodeid":3,"set":{"az":"east","rack":"7"}}"#;
    assert_eq!(change(leader, "x", set).await.status(), 204);
    assert_eq!(
        shown(leader).await["labels"],
        json!({"az": "east", "rack": "7"})
    );
    assert_eq!(
        change(follower, "x", r#"{"nodeid":3,"delete":["rack"]}"#)
            .await
            .status(),
        204,
        "carried"
    );
    let applied = || {
        follower
            .raft
            .applied()
            .borrow()
            .catalog
            .data_nodes
            .values()
            .all(|node| node.labels.len() == 1)
    };
    until("the follower has it too", applied).await;
    assert_eq!(shown(follower).await["labels"], json!({"az": "east"}));
    assert_eq!(
        leader.index(),
        index,
        "the wire's data has no labels of data nodes either"
    );
    assert_eq!(
        change(leader, "x", r#"{"nodeid":4,"set":{}}"#)
            .await
            .status(),
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said() {
    let cluster = TestCluster::of(1).await;
    let object = r#"set must be a JSON object of texts, such as {"az":"east"}: "#;
    let array = r#"delete must be a JSON array of texts, such as ["az"]: "#;
    let cases = [
        ("", 400, "the body is no JSON object: "),
        ("nodeid=1&set=x", 400, "the body is no JSON object: "),
        ("[]", 400, "the body is no JSON object: "),
        ("{}", 400, "nodeid is required"),
        (r#"{"set":{}}"#, 400, "nodeid is required"),
        (r#"{"nodeid":null,"set":{}}"#, 400, "nodeid is required"),
        (
            r#"{"nodeid":"1","set":{}}"#,
            400,
            "nodeid must be the number of a node",
        ),
        (
            r#"{"nodeid":-1,"set":{}}"#,
            400,
            "nodeid must be the number of a node",
        ),
        (r#"{"nodeid":1}"#, 400, "set or delete is required"),
        (
            r#"{"nodeid":1,"set":null}"#,
            400,
            "set or delete is required",
        ),
        (r#"{"nodeid":1,"set":{"a":1}}"#, 400, object),
        (r#"{"nodeid":1,"set":["a"]}"#, 400, object),
        (r#"{"nodeid":1,"delete":{"a":"b"}}"#, 400, array),
        (r#"{"nodeid":1,"delete":[1]}"#, 400, array),
        (
            r#"{"nodeid":1,"set":{"":"b"}}"#,
            400,
            "a label key must have 1 to 128 bytes",
        ),
        (r#"{"nodeid":9,"set":{"a":"b"}}"#, 404, "node not found"),
    ];
    for (body, status, text) in cases {
        let reply = change(cluster.leader(), "x", body).await;
        let error = reply.json()["error"].as_str().expect("an error").to_owned();
        let whole = text.ends_with(": ") || error == text;
        assert!(
            reply.status() == status && error.starts_with(text) && whole,
            "{body}: {reply:?}"
        );
    }
    assert_eq!(shown(cluster.leader()).await, json!([{}]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_has_at_most_64_kib() {
    let cluster = TestCluster::of(1).await;
    let request = |blanks: usize| format!("{{\"nodeid\":1,\"set\":{{}}{}}}", " ".repeat(blanks));
    let longest = (64 << 10) - request(0).len();
    let reply = change(cluster.leader(), "x", &request(longest)).await;
    assert_eq!(reply.status(), 204, "{reply:?}");
    let reply = change(cluster.leader(), "x", &request(longest + 1)).await;
    assert_eq!(reply.status(), 413, "{reply:?}");
    assert_eq!(reply.json()["error"], "the body is larger than 65536 bytes");
}

/// A log entry that some member cannot read would halt that member.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_no_labels_beside_an_older_version() {
    let cluster = TestCluster::at_level(1).await;
    let node = cluster.leader();
    let last = node.raft.status().last_log;
    let reply = change(node, "x", r#"{"nodeid":1,"set":{"a":"b"}}"#).await;
    let text = "not every meta node is known to run a version that has labels";
    assert_eq!(
        (reply.status(), &reply.json()["error"]),
        (503, &text.into())
    );
    assert_eq!(node.raft.status().last_log, last, "nothing was logged");
}
