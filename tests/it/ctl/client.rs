//! The client of the meta API on a network in memory, under paused time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use influxdb_meta::auth::{Login, token};
use influxdb_meta::base::{Address, UnixNanos};
use influxdb_meta::client::{CallError, Client, OtherService, Request, Unreadable};
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::{Clock, Env, SystemRng};
use tokio::time::{Instant, sleep};

use super::server::{Reply, Server, json, redirect, status};

pub(super) const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
pub(super) const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 3));

pub(super) fn network() -> (Network, Env) {
    let network = Network::new(
        Arc::new(SystemRng),
        Duration::from_micros(100)..Duration::from_micros(200),
    );
    let env = Env {
        net: network.host(HERE),
        ..Env::real()
    };
    (network, env)
}

pub(super) fn at(ip: IpAddr) -> SocketAddr {
    SocketAddr::new(ip, 8091)
}

fn address(host: &str) -> Address {
    Address::new(host, 8091)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

#[tokio::test(start_paused = true)]
async fn a_redirect_keeps_method_body_and_authorization() {
    let (network, env) = network();
    network.name("leader", &[ELSEWHERE]);
    let leader = Server::start(&*network.host(ELSEWHERE), at(ELSEWHERE), |_| json("{}")).await;
    let follower = Server::start(&*network.host(THERE), at(THERE), |_| {
        redirect("http://leader:8091/execute?a=b".to_owned())
    })
    .await;
    let mut request = Request::post("/execute?a=b", "application/octet-stream", "command".into());
    request
        .headers
        .push(("Authorization".to_owned(), "Bearer x".into()));
    let answer = Client::new(&env)
        .call(&follower.address(), request, soon())
        .await;
    assert_eq!(answer.map(|answer| answer.status), Ok(200));
    let asked = leader.asked().remove(0);
    assert_eq!(
        (asked.what.as_str(), asked.body.as_str()),
        ("POST /execute?a=b", "command")
    );
    assert_eq!(asked.header("authorization"), Some("Bearer x"));
    assert_eq!(
        asked.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(asked.header("host"), Some("leader:8091"));
}

/// The leader checks credentials as the follower does. Each hop gets a token of its own;
/// credentials that the request has already are left alone.
#[tokio::test(start_paused = true)]
async fn what_we_ask_is_signed_anew_for_each_hop() {
    let (network, env) = network();
    network.name("leader", &[ELSEWHERE]);
    let clock = Arc::new(Ticking::default());
    let env = Env {
        clock: clock.clone(),
        ..env
    };
    let leader = Server::start(&*network.host(ELSEWHERE), at(ELSEWHERE), |_| json("{}")).await;
    let follower = Server::start(&*network.host(THERE), at(THERE), |_| {
        redirect("http://leader:8091/join".to_owned())
    })
    .await;
    let client = Client::new(&env).with_login(Login::internal("legos".into()));
    for _ in 0..2 {
        client
            .post_form(&follower.address(), "/join", &[("addr", "m")], soon())
            .await
            .expect("joined");
    }
    let shown: Vec<_> = [&follower, &leader]
        .iter()
        .flat_map(|server| server.asked())
        .map(|asked| asked.header("authorization").expect("signed").to_owned())
        .collect();
    // The clock advances by a second with each reading: first hop, second hop, and both again.
    let of = |second: i64| format!("Bearer {}", token::sign("legos", "", second + 300));
    assert_eq!(shown, [of(1), of(3), of(2), of(4)]);

    let mut request = Request::get("/status");
    request
        .headers
        .push(("Authorization".to_owned(), "Bearer own".into()));
    client
        .call(&leader.address(), request, soon())
        .await
        .expect("an answer");
    let asked = leader.asked().pop().expect("asked");
    assert_eq!(
        asked
            .headers
            .iter()
            .filter(|header| header.starts_with("authorization"))
            .count(),
        1
    );
    assert_eq!(asked.header("authorization"), Some("Bearer own"));
}

/// A forwarded request belongs to another caller: if this node signed it, every caller would be
/// admitted.
#[tokio::test(start_paused = true)]
async fn what_we_carry_is_not_signed() {
    let (network, env) = network();
    let server = Server::start(&*network.host(THERE), at(THERE), |_| json("{}")).await;
    let client = Client::new(&env).with_login(Login::internal("legos".into()));
    let answer = client
        .forward(
            &server.address(),
            "POST",
            "/join",
            Vec::new(),
            "addr=m".into(),
            soon(),
        )
        .await;
    assert_eq!(answer.map(|answer| answer.status), Ok(200));
    assert_eq!(server.asked().remove(0).header("authorization"), None);
}

/// Clock that is one second later with each reading.
#[derive(Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> UnixNanos {
        UnixNanos((self.0.fetch_add(1, Ordering::Relaxed) + 1) * 1_000_000_000)
    }
}

/// Ten redirects are followed, an eleventh is not.
#[tokio::test(start_paused = true)]
async fn redirects_have_a_limit() {
    let (network, env) = network();
    let count_down = |asked: &super::server::Asked| {
        let left: u32 = asked
            .what
            .rsplit('/')
            .next()
            .expect("a number")
            .parse()
            .expect("a number");
        if left == 0 {
            json("7")
        } else {
            redirect(format!("http://10.0.0.2:8091/{}", left - 1))
        }
    };
    let server = Server::start(&*network.host(THERE), at(THERE), count_down).await;
    let client = Client::new(&env);
    assert_eq!(
        client
            .get_json::<u32>(&server.address(), "/10", soon())
            .await,
        Ok(7)
    );
    let eleven = client
        .get_json::<u32>(&server.address(), "/11", soon())
        .await;
    assert_eq!(eleven, Err(CallError::Redirects(10)));
}

#[tokio::test(start_paused = true)]
async fn a_carried_request_is_neither_changed_nor_redirected() {
    let (network, env) = network();
    let server = Server::start(&*network.host(THERE), at(THERE), |_| {
        redirect("http://x/".to_owned())
    })
    .await;
    let headers = vec![
        ("Influxd-Meta-Carried".to_owned(), "1".into()),
        ("Connection".to_owned(), "close".into()),
        ("Host".to_owned(), "published:18091".into()),
        ("X-Bytes".to_owned(), bytes::Bytes::from_static(b"\xe9")),
    ];
    let client = Client::new(&env);
    let answer = client
        .forward(
            &server.address(),
            "POST",
            "/add-data?x=1",
            headers,
            "addr=d".into(),
            soon(),
        )
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status, answer.header("location")),
        (307, Some("http://x/"))
    );
    assert_eq!(
        answer.header("content-length"),
        None,
        "that of the next connection is made anew"
    );
    let asked = server.asked().remove(0);
    assert_eq!(
        (asked.what.as_str(), asked.body.as_str()),
        ("POST /add-data?x=1", "addr=d")
    );
    assert_eq!(asked.header("influxd-meta-carried"), Some("1"));
    assert_eq!(asked.header("connection"), None);
    assert_eq!(asked.header("host"), Some("10.0.0.2:8091"));
}

/// Two stacks on one network: the node that is not meant says so (421) and executes nothing, and
/// the other address of the name is asked.
#[tokio::test(start_paused = true)]
async fn a_carried_request_looks_for_the_node_that_it_is_meant_for() {
    let (network, env) = network();
    network.name("leader", &[THERE, ELSEWHERE]);
    let wrong = Server::start(&*network.host(THERE), at(THERE), |_| status(421, "{}")).await;
    let right = Server::start(&*network.host(ELSEWHERE), at(ELSEWHERE), |_| json("{}")).await;
    let client = Client::new(&env);
    let mut asked_wrong = Vec::new();
    for _ in 0..2 {
        let answer = client
            .forward(
                &address("leader"),
                "POST",
                "/execute",
                Vec::new(),
                "c".into(),
                soon(),
            )
            .await;
        assert_eq!(answer.map(|answer| answer.status), Ok(200));
        asked_wrong.push(wrong.asked().len());
    }
    assert_eq!(right.asked().len(), 2);
    assert_eq!(
        asked_wrong[0], asked_wrong[1],
        "the connection to the right one is kept, no other"
    );
}

/// If no address leads to the node that is meant, the answer is 421: nothing was executed.
#[tokio::test(start_paused = true)]
async fn a_carried_request_that_nobody_is_meant_for_ends() {
    let (network, env) = network();
    network.name("leader", &[THERE]);
    let wrong = Server::start(&*network.host(THERE), at(THERE), |_| status(421, "{}")).await;
    let answer = Client::new(&env)
        .forward(
            &address("leader"),
            "GET",
            "/",
            Vec::new(),
            "".into(),
            soon(),
        )
        .await;
    assert_eq!(answer.map(|answer| answer.status), Ok(421));
    assert_eq!(wrong.asked().len(), 2);
}

/// Script of a server that dies after it has read the second request, which it may have executed.
fn dies_at_the_second(
    asked: &super::server::Asked,
    served: &std::sync::atomic::AtomicUsize,
) -> Reply {
    match served.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        1 => Reply::Bytes(Vec::new()),
        _ => json(&format!("{:?}", asked.what)),
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_executed_is_not_sent_again() {
    let (network, env) = network();
    let served = std::sync::atomic::AtomicUsize::new(0);
    let script = move |asked: &super::server::Asked| dies_at_the_second(asked, &served);
    let server = Server::start(&*network.host(THERE), at(THERE), script).await;
    let client = Client::new(&env);
    let fields = [("addr", "d:8088")];
    client
        .post_form(&server.address(), "/add-data", &fields, soon())
        .await
        .expect("the first");
    let second = client
        .post_form(&server.address(), "/add-data", &fields, soon())
        .await;
    let error = second.expect_err("nobody knows");
    assert_eq!(
        error,
        CallError::Io {
            text: "connection closed before the answer".to_owned(),
            sent: true
        },
    );
    assert!(error.is_maybe_executed() && error.is_retryable());
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_safe_is_sent_once_more_on_a_connection_of_its_own() {
    let (network, env) = network();
    let served = std::sync::atomic::AtomicUsize::new(0);
    let script = move |asked: &super::server::Asked| dies_at_the_second(asked, &served);
    let server = Server::start(&*network.host(THERE), at(THERE), script).await;
    let client = Client::new(&env);
    for _ in 0..2 {
        let said = client
            .get_json::<String>(&server.address(), "/status", soon())
            .await;
        assert_eq!(said, Ok("GET /status".to_owned()));
    }
    let connections: Vec<_> = server
        .asked()
        .into_iter()
        .map(|asked| asked.connection)
        .collect();
    assert_eq!(connections, [0, 0, 1]);
}

/// A request on a new connection that breaks is not retried: the caller decides.
#[tokio::test(start_paused = true)]
async fn a_fresh_connection_that_breaks_is_an_error() {
    let (network, env) = network();
    let server = Server::start(&*network.host(THERE), at(THERE), |_| {
        Reply::Bytes(Vec::new())
    })
    .await;
    let said = Client::new(&env)
        .get_json::<String>(&server.address(), "/status", soon())
        .await;
    assert!(
        matches!(said, Err(CallError::Io { sent: true, .. })),
        "{said:?}"
    );
    assert_eq!(server.heard().len(), 1);
}

/// The server closes the connection after its answer without announcing it. The next request goes
/// over a new connection, even one that must not be sent twice, because nothing of it was sent over
/// the old one.
#[tokio::test(start_paused = true)]
async fn a_connection_that_the_server_closed_is_noticed_before_anything_is_sent() {
    let (network, env) = network();
    let closing = |_: &super::server::Asked| {
        Reply::Bytes(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\n{}".to_vec())
    };
    let server = Server::start(&*network.host(THERE), at(THERE), closing).await;
    let client = Client::new(&env);
    for _ in 0..3 {
        client
            .post_form(&server.address(), "/add-data", &[], soon())
            .await
            .expect("answered");
        sleep(Duration::from_millis(10)).await;
    }
    let connections: Vec<_> = server
        .asked()
        .into_iter()
        .map(|asked| asked.connection)
        .collect();
    assert_eq!(connections, [0, 1, 2]);
}

/// Containers come back under their names with other addresses. So a connection is not reused long
/// after its name was resolved, and every dial resolves the name anew.
#[tokio::test(start_paused = true)]
async fn connections_are_reused_for_a_moment_and_names_resolved_anew() {
    let (network, env) = network();
    network.name("meta-2", &[THERE]);
    let old = Server::start(&*network.host(THERE), at(THERE), |_| json("1")).await;
    let new = Server::start(&*network.host(ELSEWHERE), at(ELSEWHERE), |_| json("2")).await;
    let client = Client::new(&env);
    let name = address("meta-2");
    let ask = || client.get_json::<u32>(&name, "/x", soon());
    assert_eq!((ask().await, ask().await), (Ok(1), Ok(1)));
    assert_eq!(old.asked()[1].connection, 0);
    network.name("meta-2", &[ELSEWHERE]);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(ask().await, Ok(2));
    drop(new);
}

/// A node that vanished costs one call its deadline, and not one call for each idle connection.
#[tokio::test(start_paused = true)]
async fn after_silence_the_other_connections_are_not_tried() {
    let (network, env) = network();
    network.name("meta-2", &[THERE]);
    let _old = Server::start(&*network.host(THERE), at(THERE), |_| json("1")).await;
    let _new = Server::start(&*network.host(ELSEWHERE), at(ELSEWHERE), |_| json("2")).await;
    let (client, name) = (Client::new(&env), address("meta-2"));
    let ask = || client.get_json::<u32>(&name, "/x", Instant::now() + Duration::from_secs(1));
    assert_eq!(tokio::join!(ask(), ask(), ask()), (Ok(1), Ok(1), Ok(1)));
    network.cut(HERE, THERE);
    network.name("meta-2", &[ELSEWHERE]);
    assert_eq!(ask().await, Err(CallError::Timeout { sent: true }));
    assert_eq!(ask().await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn every_address_of_a_name_is_tried() {
    let (network, env) = network();
    let cut = IpAddr::from([10, 0, 0, 9]);
    network.cut(HERE, cut);
    network.name("meta-2", &[IpAddr::from([10, 0, 0, 8]), cut, THERE]);
    let _server = Server::start(&*network.host(THERE), at(THERE), |_| json("1")).await;
    let began = Instant::now();
    let said = Client::new(&env)
        .get_json::<u32>(&address("meta-2"), "/x", soon())
        .await;
    assert_eq!(said, Ok(1));
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_millis(1100),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_made_says_why_and_was_not_executed() {
    let (network, env) = network();
    let cut = IpAddr::from([10, 0, 0, 9]);
    network.cut(HERE, cut);
    network.name("down", &[THERE]);
    network.name("cut", &[cut]);
    network.name("both", &[cut, THERE]);
    let client = Client::new(&env);
    let cases = [
        ("nowhere", CallError::NAME_UNKNOWN),
        ("down", CallError::Refused),
        ("cut", CallError::Timeout { sent: false }),
        ("both", CallError::Timeout { sent: false }),
    ];
    for (host, want) in cases {
        let error = client
            .get_json::<u32>(&address(host), "/x", soon())
            .await
            .expect_err(host);
        assert_eq!(error, want, "{host}");
        assert!(error.is_retryable() && !error.is_maybe_executed(), "{host}");
    }
}

/// The deadline is for the whole call: dialling, redirects and a slow answer included.
#[tokio::test(start_paused = true)]
async fn a_call_ends_by_its_deadline() {
    let (network, env) = network();
    let script = |asked: &super::server::Asked| match asked.what.as_str() {
        "GET /circle" => Reply::Silence,
        _ => redirect("/circle".to_owned()),
    };
    let server = Server::start(&*network.host(THERE), at(THERE), script).await;
    let began = Instant::now();
    let deadline = began + Duration::from_secs(3);
    let error = Client::new(&env)
        .get_json::<u32>(&server.address(), "/x", deadline)
        .await;
    let late = CallError::Elsewhere {
        at: server.address(),
        error: Box::new(CallError::Timeout { sent: true }),
    };
    assert!(late.is_maybe_executed());
    assert_eq!(error, Err(late));
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_announcement_is_posted_as_json() {
    let (network, env) = network();
    let server = Server::start(&*network.host(THERE), at(THERE), |_| status(204, "")).await;
    let announcement = influxdb_meta::wire::api::Announcement {
        tcp_addr: "meta-1:8089".to_owned(),
        node_type: "meta".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        Client::new(&env)
            .announce(&server.address(), &announcement)
            .await,
        Ok(())
    );
    let asked = server.asked().remove(0);
    assert_eq!(asked.what, "POST /announce");
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(
        serde_json::from_str::<influxdb_meta::wire::api::Announcement>(&asked.body).ok(),
        Some(announcement)
    );
}

#[test]
fn what_an_answer_says_about_doing_it_again() {
    let of = |status: u16| CallError::Status {
        status,
        error: String::new(),
    };
    let table = [
        (of(400), false, false),
        (of(409), false, false),
        (of(429), true, false),
        (of(500), false, true),
        (of(503), true, true),
        (
            CallError::Junk(Unreadable::NoLocation { status: 307 }),
            false,
            true,
        ),
        (CallError::RaftPort, false, false),
        (CallError::NotOurs(OtherService::Tls), false, false),
        (CallError::WrongSecret, false, false),
        (CallError::Redirects(10), false, false),
    ];
    for (error, retryable, maybe_executed) in table {
        assert_eq!(
            (error.is_retryable(), error.is_maybe_executed()),
            (retryable, maybe_executed),
            "{error:?}"
        );
    }
}
