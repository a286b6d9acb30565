//! The status page: who gets it, and what it may load.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use influxdb_meta::http::HttpConfig;
use sha2::{Digest as _, Sha256};

use super::harness::{StandIn, TestServer};

/// As a browser asks.
const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

async fn server() -> TestServer {
    TestServer::simulated(HttpConfig::default(), StandIn::default()).await
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: meta-1:8091\r\n{headers}\r\n").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_browser_gets_a_page_and_others_get_what_they_always_got() {
    let server = server().await;
    let page = server.ask(&get("/", BROWSER)).await;
    assert_eq!(page.status(), 200);
    assert_eq!(
        page.header("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("Vary"), Some("Accept"));
    assert!(page.text().starts_with("<!doctype html>"));
    for headers in ["", "Accept: */*\r\n", "Accept: application/json\r\n"] {
        let answer = server.ask(&get("/", headers)).await;
        assert_eq!(answer.status(), 400, "{headers}");
        assert_eq!(answer.text(), r#"{"error":"error parsing index"}"#);
    }
    // A poll is a poll, whoever sends it.
    let poll = server.ask(&get("/?index=0", BROWSER)).await;
    assert_eq!(poll.status(), 503, "{}", poll.text());
}

/// Only the page's own style and script, and requests to the node that served it.
#[tokio::test(start_paused = true)]
async fn the_policy_allows_what_the_page_has_and_nothing_else() {
    let server = server().await;
    let page = server.ask(&get("/", BROWSER)).await;
    let policy = page.header("Content-Security-Policy").expect("a policy");
    let text = page.text();
    for tag in ["script", "style"] {
        let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
        assert_eq!(text.matches(&open).count(), 1, "one {tag}");
        let (_, rest) = text.split_once(&format!("{open}>")).expect("no attributes");
        let (content, _) = rest.split_once(&close).expect("an end");
        let hash = STANDARD.encode(Sha256::digest(content));
        let allowed = format!("{tag}-src 'sha256-{hash}';");
        assert!(policy.contains(&allowed), "no {allowed} in {policy}");
    }
    for directive in [
        "default-src 'none'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(directive), "no {directive} in {policy}");
    }
    for unsafe_word in ["unsafe", "*", "http:"] {
        assert!(!policy.contains(unsafe_word), "{unsafe_word} in {policy}");
    }
}

/// Names and labels come from others: they are set as text. Nothing is loaded from elsewhere.
#[tokio::test(start_paused = true)]
async fn the_page_loads_nothing_foreign_and_writes_no_markup() {
    let server = server().await;
    let page = server.ask(&get("/", BROWSER)).await;
    let text = page.text();
    for word in [
        "://",
        "src=",
        "@import",
        "url(",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        " style=",
        " onclick",
    ] {
        assert!(!text.contains(word), "{word:?} in the page");
    }
    for path in ["/healthz", "/show-cluster"] {
        assert!(text.contains(&format!("get(\"{path}\")")), "{path}");
        let answer = server
            .ask(&get(path, "Sec-Fetch-Site: same-origin\r\n"))
            .await;
        assert_eq!(answer.status(), 200, "{path}");
    }
}
