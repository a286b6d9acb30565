//! Routes that need no credentials, and a check that no other route is among them.

use influxdb_meta::auth::Method;
use influxdb_meta::http::ROUTES;

use super::{GO_TOKEN, config, error, get, no_users, server, test_users};
use crate::http::harness::{TestServer, post};

const OPEN: &[&str] = &[
    "/ping",
    "/ping?all",
    "/status",
    "/livez",
    "/readyz",
    "/readyz?voter",
    "/healthz",
];

/// Meta nodes prove themselves on these routes by other means.
fn is_between_nodes(route: &str) -> bool {
    route.starts_with("/cluster/")
}

/// Further routes: they need credentials as well.
const LATER: &[&str] = &[
    "/lease",
    "/show-shards",
    "/add-data",
    "/remove-data",
    "/update-data",
    "/copy-shard",
    "/remove-shard",
    "/truncate-shards",
    "/repair-time",
];

async fn status(server: &TestServer, method: &str, path: &str, headers: &str) -> u16 {
    match method {
        "POST" => server.ask(&post(path, headers, b"")).await.status(),
        _ => get(server, path, headers).await.status(),
    }
}

/// Probes have no credentials, and come before there is an admin.
#[tokio::test]
async fn probes_are_answered_to_anybody() {
    for users in [no_users(), test_users()] {
        let server = server(config(Method::All), users).await;
        for path in OPEN {
            for headers in [
                "",
                "Authorization: Bearer junk\r\n",
                "Authorization: Basic x\r\n",
            ] {
                let status = get(&server, path, headers).await.status();
                let want = if path.starts_with("/readyz") {
                    503
                } else {
                    200
                };
                assert_eq!(status, want, "{path} {headers}");
            }
        }
    }
}

#[tokio::test]
async fn everything_else_asks_who_calls() {
    let server = server(config(Method::All), test_users()).await;
    let routes = ROUTES
        .iter()
        .filter(|route| !OPEN.contains(route) && !is_between_nodes(route));
    let mut asked = 0;
    for path in routes.chain(LATER) {
        let mut known = 0;
        for method in ["GET", "POST"] {
            match status(&server, method, path, "").await {
                // A path without a route.
                404 => assert_eq!(
                    status(&server, method, path, GO_TOKEN).await,
                    404,
                    "{method} {path}"
                ),
                status => {
                    known += 1;
                    assert_eq!(status, 401, "{method} {path}");
                }
            }
        }
        assert_ne!(known, 0, "{path}");
        asked += known;
    }
    assert!(asked >= 20, "{asked}");
    let reply = get(&server, "/metrics", GO_TOKEN).await;
    assert!(
        reply.status() == 200 && reply.text().contains("influxdb_meta_"),
        "{reply:?}"
    );
}

/// Unknown paths are refused without a check of credentials (wire.md 4.1).
#[tokio::test]
async fn what_is_not_routed_is_refused_without_asking() {
    let server = server(config(Method::All), test_users()).await;
    let cases = [
        ("GET", "/ding", 400),
        ("POST", "/ding", 404),
        ("GET", "/execute", 404),
        ("POST", "/peers", 404),
        ("PUT", "/peers", 400),
        ("DELETE", "/user", 400),
        ("OPTIONS", "/", 400),
    ];
    for (method, path, want) in cases {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: meta-1:8091\r\nContent-Length: 0\r\n\r\n");
        let reply = server.ask(request.as_bytes()).await;
        assert_eq!(error(&reply).0, want, "{method} {path}");
    }
}

/// Names, reasons and numbers are shown to authenticated callers only.
#[tokio::test]
async fn healthz_tells_strangers_no_more_than_the_phase() {
    let server = server(config(Method::All), test_users()).await;
    for headers in [
        "",
        "Authorization: Bearer junk\r\n",
        "Authorization: Token ann:pw\r\n",
    ] {
        let reply = get(&server, "/healthz", headers).await;
        let want = r#"{"status":"fail","phase":"fresh"}"#;
        assert_eq!(
            (reply.status(), reply.text()),
            (200, format!("{want}\n").as_str()),
            "{headers}"
        );
    }
    for headers in [GO_TOKEN, "Authorization: Token bob:s3:cret\r\n"] {
        let reply = get(&server, "/healthz", headers).await;
        assert_eq!(
            reply.json()["missing"][0]["address"],
            "meta-3:8091",
            "{headers}"
        );
    }
}

/// A browser is asked for a password, and the page is served to an admin only.
#[tokio::test]
async fn the_status_page_needs_credentials() {
    let server = server(config(Method::All), test_users()).await;
    let stranger = get(&server, "/", "Accept: text/html\r\n").await;
    assert_eq!(stranger.status(), 401, "{}", stranger.text());
    let asked = stranger.header("Www-Authenticate").expect("a question");
    assert!(asked.starts_with("Basic "), "{asked}");
    let admin = format!("Accept: text/html\r\n{GO_TOKEN}");
    let page = get(&server, "/", &admin).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert!(page.text().starts_with("<!doctype html>"));
}
