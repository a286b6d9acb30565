//! Requests that a web page makes a browser send, and heads with an unclear `Host`.

use influxdb_meta::http::ROUTES;

use crate::harness::http::{self, Response, request_with};
use crate::harness::node::{Node, Nodes, SOON};
use crate::harness::wire;

const FOREIGN: [&str; 6] = [
    "Origin: http://evil.example\r\n",
    "Origin: null\r\n",
    "Origin: http://127.0.0.1:3000\r\n",
    "Sec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: same-site\r\n",
    "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\nContent-Type: text/plain\r\n",
];

fn send(node: &Node, method: &str, path: &str, headers: &str, body: &[u8]) -> Response {
    let headers = format!("Host: {}\r\n{headers}", node.http());
    request_with(node.http(), method, path, &headers, body, SOON).expect("an answer")
}

/// The page's script needs no answer: what it sent would have been done.
#[test]
fn a_page_of_another_site_commands_nothing() {
    let nodes = Nodes::formed(1);
    let node = &nodes.all[0];
    let before = node.get("/?index=0").expect("a catalog").body;
    for headers in FOREIGN {
        let body = wire::create_database("by_a_page");
        let refused = send(node, "POST", "/execute", headers, &body);
        assert_eq!(refused.status, 403, "{headers}: {}", refused.text());
        assert!(
            refused.text().contains("a web page of another site"),
            "{}",
            refused.text()
        );
        for (method, path) in [
            ("POST", "/leave"),
            ("POST", "/join?addr=127.0.0.1:8091"),
            ("GET", "/lease?name=continuous_querier&nodeid=1"),
        ] {
            let refused = send(node, method, path, headers, b"");
            assert_eq!(refused.status, 403, "{path} {headers}: {}", refused.text());
        }
    }
    assert_eq!(node.get("/?index=0").expect("a catalog").body, before);

    // Pages of the node itself, typed addresses, and programs are no other site.
    let own = format!("Origin: http://{}\r\n", node.http());
    for (n, headers) in [
        "",
        &own,
        "Sec-Fetch-Site: none\r\n",
        "Sec-Fetch-Site: same-origin\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let body = wire::create_database(&format!("own{n}"));
        let done = send(node, "POST", "/execute", headers, &body);
        assert_eq!(done.status, 200, "{headers}: {}", done.text());
        wire::response(&done.body).expect("created");
    }
}

#[test]
fn every_route_refuses_a_page_of_another_site() {
    let mut nodes = Nodes::without_peers(1);
    nodes.start_all();
    let node = &nodes.all[0];
    node.wait_says("fresh");
    for path in ROUTES.iter().chain(&["/user", "/nowhere"]) {
        for method in ["GET", "POST", "OPTIONS"] {
            let refused = send(node, method, path, FOREIGN[0], b"");
            assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text());
        }
    }
}

#[test]
fn one_host_is_needed() {
    let mut nodes = Nodes::without_peers(1);
    nodes.start_all();
    let node = &nodes.all[0];
    node.wait_says("fresh");
    let host = format!("Host: {}\r\n", node.http());
    for (version, headers, status) in [
        ("1.1", host.clone(), 200),
        ("1.1", String::new(), 400),
        ("1.1", host.repeat(2), 400),
        ("1.1", format!("{host}Host: evil.example\r\n"), 400),
        ("1.0", String::new(), 200),
        ("1.0", host.repeat(2), 400),
    ] {
        let head = format!("GET /livez HTTP/{version}\r\n{headers}");
        let mut stream = http::send(node.http(), &head, b"").expect("sent");
        let answer = http::receive(node.http(), &mut stream, SOON).expect("an answer");
        assert_eq!(answer.status, status, "{head}: {}", answer.text());
    }
}
