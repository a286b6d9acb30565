//! A node outside any cluster: its answers to probes, operators and clients.

use std::sync::Arc;

use super::harness::{StandIn, TestServer, post, waiting};
use influxdb_meta::cluster::Activity;

async fn server() -> TestServer {
    TestServer::unjoined(Arc::default()).await
}

/// clients.md trap 14: 200, at once, from the first second on, also before the log has been read.
#[tokio::test]
async fn probes_are_answered_before_there_is_anything() {
    let server = TestServer::start(Default::default(), Arc::new(super::harness::Alone)).await;
    assert_eq!(server.get("/ping").await.status(), 200);
    assert_eq!(server.get("/livez").await.status(), 200);
    let status = r#"{"nodeType":"meta","leader":"","httpAddr":"","raftAddr":"","peers":null}"#;
    assert_eq!(server.get("/status").await.text(), format!("{status}\n"));
    assert_eq!(server.get("/readyz").await.status(), 503);
    let identity = server.get("/cluster/identity").await;
    assert_eq!(identity.status(), 503);
    assert_eq!(
        identity.text(),
        r#"{"error":"this node is starting: it reads its log"}"#
    );
}

#[tokio::test]
async fn ping_has_no_body_and_no_content_type_without_a_leader() {
    let want = "HTTP/1.1 200 OK\nContent-Length: 0\nInfluxdb-Metaindex: 1\n\
                X-Influxdb-Version: 1.12.4-c0.1.0\n\n";
    assert_eq!(server().await.get("/ping").await.golden(), want);
    assert_eq!(server().await.get("/ping?all").await.golden(), want);
    assert_eq!(server().await.get("/ping?all=true").await.golden(), want);
}

/// Successful answers, exactly.
#[tokio::test]
async fn golden_answers() {
    let server = server().await;
    let cases = [
        (
            "/status",
            r#"{"nodeType":"meta","leader":"","httpAddr":"meta-1:8091","raftAddr":"meta-1:8089","peers":null}"#,
        ),
        ("/peers", "null"),
        ("/show-cluster", r#"{"data":null,"meta":null}"#),
        ("/livez", r#"{"status":"ok"}"#),
        (
            "/healthz",
            r#"{"status":"fail","version":"1.12.4-c0.1.0","phase":"fresh","doing":"waiting","reason":"waiting for 1 of 3 founders: meta-3:8091 (name unknown)","blocked":null,"halted":null,"missing":[{"address":"meta-3:8091","why":"name unknown"}],"incarnation":"11111111111111111111111111111111","http":"meta-1:8091","raft":"meta-1:8089","cluster_id":null,"cluster_name":"prod","raft_id":null,"node_id":null,"raft_state":null,"catalog":null,"peer_proofs":"open","warnings":["two voters: a failure of either stops the cluster; run three"],"alarms":[]}"#,
        ),
    ];
    for (path, body) in cases {
        let reply = server.get(path).await;
        let want = format!(
            "HTTP/1.1 200 OK\nContent-Length: {}\nContent-Type: application/json\n\
             Influxdb-Metaindex: 1\n\
             X-Influxdb-Version: 1.12.4-c0.1.0\n\n{body}\n",
            body.len() + 1
        );
        assert_eq!(reply.golden(), want, "{path}");
    }
}

/// Answers with status 400 and above, exactly: JSON without an end of line, and the header that
/// repeats the text.
#[tokio::test]
async fn golden_errors() {
    let server = server().await;
    let waiting = "waiting for 1 of 3 founders: meta-3:8091 (name unknown)";
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: meta-1:8091\r\n\r\n").into_bytes();
    let method = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").into_bytes()
    };
    let cases = [
        (
            get("/ding"),
            "400 Bad Request",
            "error parsing index: unknown path /ding",
        ),
        (
            get("/debug/pprof/heap"),
            "400 Bad Request",
            "error parsing index: unknown path /debug/pprof/heap",
        ),
        (get("/"), "400 Bad Request", "error parsing index"),
        (get("/?index=x"), "400 Bad Request", "error parsing index"),
        (get("/?index=-1"), "400 Bad Request", "error parsing index"),
        (
            get("/?index=%2B1"),
            "400 Bad Request",
            "error parsing index",
        ),
        (get("/?index=0"), "503 Service Unavailable", waiting),
        (get("/?index=7"), "503 Service Unavailable", waiting),
        (
            post("/ding", "", b""),
            "404 Not Found",
            "unknown path: POST /ding",
        ),
        (
            method("DELETE", "/ding"),
            "404 Not Found",
            "unknown path: DELETE /ding",
        ),
        (
            get("/execute"),
            "404 Not Found",
            "/execute does not take GET",
        ),
        (get("/join"), "404 Not Found", "/join does not take GET"),
        (
            post("/status", "", b""),
            "404 Not Found",
            "/status does not take POST",
        ),
        (
            post("/?index=0", "", b""),
            "404 Not Found",
            "/ does not take POST",
        ),
        (
            method("PUT", "/user"),
            "400 Bad Request",
            "/user does not take PUT",
        ),
        (
            method("OPTIONS", "/cluster/identity"),
            "400 Bad Request",
            "/cluster/identity does not take OPTIONS",
        ),
        (
            get("/node-labels"),
            "404 Not Found",
            "/node-labels does not take GET",
        ),
        (
            get("/cluster/join"),
            "404 Not Found",
            "/cluster/join does not take GET",
        ),
        (
            post("/add-data", "", b""),
            "400 Bad Request",
            "addr is required",
        ),
        (
            post("/add-data?addr=d1:8088", "", b""),
            "503 Service Unavailable",
            waiting,
        ),
        (get("/user?name=x"), "503 Service Unavailable", waiting),
        (
            get("/lease?name=x&nodeid=1"),
            "503 Service Unavailable",
            waiting,
        ),
        (
            get("/lease?nodeid=1"),
            "400 Bad Request",
            "lease name required",
        ),
        (get("/show-shards"), "503 Service Unavailable", waiting),
        (
            post("/announce", "", b"{"),
            "400 Bad Request",
            "EOF while parsing an object at line 1 column 1",
        ),
    ];
    for (request, status, text) in cases {
        let request_line = String::from_utf8_lossy(&request)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let reply = server.ask(&request).await;
        assert_eq!(
            reply.status_line,
            format!("HTTP/1.1 {status}"),
            "{request_line}"
        );
        assert_eq!(
            reply.text(),
            format!("{{\"error\":\"{text}\"}}"),
            "{request_line}"
        );
        assert_eq!(
            reply.header("Content-Type"),
            Some("application/json"),
            "{request_line}"
        );
        assert_eq!(
            reply.header("X-Influxdb-Error"),
            Some(text),
            "{request_line}"
        );
        assert_eq!(
            reply.header("Influxdb-Metaindex"),
            Some("1"),
            "{request_line}"
        );
        assert!(reply.header("Request-Id").is_some(), "{request_line}");
    }
}

/// wire.md 4.3: `influxd-ctl` decodes exactly this.
#[tokio::test]
async fn errors_are_escaped_as_go_does() {
    let reply = server().await.get("/%3Cb%3E&x").await;
    assert_eq!(
        reply.text(),
        r#"{"error":"error parsing index: unknown path /%3Cb%3E\u0026x"}"#
    );
}

/// `influxd-ctl leave` sends an empty content type and no body.
#[tokio::test]
async fn an_empty_content_type_is_no_error() {
    let reply = server()
        .await
        .post("/leave", "Content-Type: \r\n", b"")
        .await;
    assert_eq!((reply.status(), reply.text()), (204, ""));
}

#[tokio::test]
async fn head_is_the_head_of_get() {
    let server = server().await;
    let mut connection = server.connect().await;
    connection.send(b"HEAD /livez HTTP/1.0\r\n\r\n").await;
    let all = connection.rest().await;
    assert!(
        all.starts_with("HTTP/1.0 200 OK\r\n") && all.contains("Content-Length: 16\r\n"),
        "{all}"
    );
    assert!(all.ends_with("\r\n\r\n"), "no body: {all}");
}

#[tokio::test]
async fn request_ids_are_ours_or_the_callers() {
    let server = server().await;
    let ours = server.get("/ping").await;
    let id = ours.header("X-Request-Id").expect("an id");
    assert_eq!(ours.header("Request-Id"), Some(id));
    assert_eq!(
        uuid::Uuid::parse_str(id).expect("a UUID").get_version_num(),
        1
    );
    let theirs = server
        .ask(b"GET /ding HTTP/1.1\r\nHost: x\r\nRequest-Id: abc\r\n\r\n")
        .await;
    assert_eq!(theirs.header("X-Request-Id"), Some("abc"));
    assert_eq!(theirs.header("Request-Id"), Some("abc"));
}

/// Announcements of a data node and of curl, which declares a form and sends JSON
/// (clients.md trap 17).
#[tokio::test]
async fn announcements_arrive_whatever_their_content_type() {
    let stand_in = Arc::new(StandIn::default());
    let server = TestServer::unjoined(stand_in.clone()).await;
    let body = br#"{"tcpAddr":"d1:8088","httpAddr":"d1:8086","httpScheme":"http","time":"0001-01-01T00:00:00Z","nodeType":"data","status":"joined","context":null,"version":"1.8.11"}"#;
    for headers in [
        "Content-Type: application/json\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "",
    ] {
        let reply = server.post("/announce", headers, body).await;
        assert_eq!((reply.status(), reply.text()), (204, ""), "{headers}");
    }
    let announced = stand_in.announced.lock().expect("announced");
    assert_eq!(announced.len(), 3);
    assert!(
        announced
            .iter()
            .all(|a| a.tcp_addr == "d1:8088" && a.version == "1.8.11")
    );
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let reply = server().await.get("/readyz").await;
    assert_eq!(reply.status(), 503);
    let body = reply.json();
    assert_eq!(
        body["error"],
        "waiting for 1 of 3 founders: meta-3:8091 (name unknown)"
    );
    assert_eq!(body["ready"], false);
    let failed: Vec<_> = body["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter(|c| c["ok"] == false)
        .collect();
    let names: Vec<_> = failed
        .iter()
        .map(|check| check["name"].as_str().expect("name"))
        .collect();
    assert_eq!(names, ["member", "leader", "caught-up"]);
    assert!(
        reply
            .header("X-Influxdb-Error")
            .expect("header")
            .starts_with("not ready: waiting for 1 of 3")
    );
}

#[tokio::test]
async fn health_is_in_influxdbs_shape() {
    let reply = server().await.get("/health").await;
    let text = "waiting for 1 of 3 founders: meta-3:8091 (name unknown)";
    let want = format!(
        r#"{{"error":"{text}","name":"influxd-meta","status":"fail","message":"{text}","version":"1.12.4-c0.1.0"}}"#
    );
    assert_eq!((reply.status(), reply.text()), (503, want.as_str()));
}

#[tokio::test]
async fn a_blocked_node_says_so_and_stays_alive() {
    let stand_in = Arc::new(StandIn::default());
    let server = TestServer::unjoined(stand_in.clone()).await;
    let mut view = waiting();
    view.doing = Activity::Blocked;
    view.reason = "two nodes answer to meta-2".to_owned();
    stand_in.view.send_replace(Arc::new(view));
    let health = server.get("/healthz").await.json();
    assert_eq!(
        (&health["doing"], &health["blocked"]),
        (&"blocked".into(), &"two nodes answer to meta-2".into())
    );
    assert_eq!(server.get("/livez").await.status(), 200);
    assert_eq!(server.get("/readyz").await.status(), 503);
    let metrics = server.get("/metrics").await;
    assert!(
        metrics.text().contains("\ninfluxdb_meta_blocked 1\n"),
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_status() {
    let server = server().await;
    server.get("/ping").await;
    server.get("/ding").await;
    let metrics = server.get("/metrics").await;
    assert_eq!(
        metrics.header("Content-Type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for line in [
        "influxdb_meta_http_requests_total{route=\"/ping\",status=\"200\"} 1",
        "influxdb_meta_http_requests_total{route=\"other\",status=\"400\"} 1",
        "influxdb_meta_doing{doing=\"waiting\"} 1",
        "influxdb_meta_missing_peers 1",
    ] {
        assert!(
            metrics.text().lines().any(|l| l == line),
            "no {line} in\n{}",
            metrics.text()
        );
    }
    let memory = metrics
        .text()
        .lines()
        .find_map(|l| l.strip_prefix("influxdb_meta_process_resident_memory_bytes "));
    assert!(memory.expect("a size").parse::<u64>().expect("a number") > 1 << 20);
}

/// A panic in a request affects only that request: 500, counted, and the connection goes on.
#[tokio::test]
async fn a_panic_is_caught_and_counted() {
    let server = TestServer::unjoined(Arc::new(StandIn {
        panics: true,
        ..StandIn::default()
    }))
    .await;
    let mut connection = server.connect().await;
    connection.send(&post("/announce", "", b"{}")).await;
    let reply = connection.reply().await;
    assert_eq!(reply.status(), 500);
    assert_eq!(
        reply.text(),
        r#"{"error":"internal error: the log has more"}"#
    );
    connection
        .send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert!(
        connection
            .reply()
            .await
            .text()
            .contains("\ninfluxdb_meta_http_panics_total 1\n")
    );
}
