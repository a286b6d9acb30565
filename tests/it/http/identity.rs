//! `/cluster/identity` and its proofs.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::auth::{AuthConfig, PeerKeys, PeerPolicy};
use influxdb_meta::base::{ClusterId, RaftId};
use influxdb_meta::cluster::View;
use influxdb_meta::http::HttpConfig;

use super::auth::bearer;
use super::harness::{Alone, StandIn, THEM, TestServer, US, identity, waiting};

const PATH: &str = "/cluster/identity";

pub(super) async fn with_secret(stand_in: Arc<StandIn>, secret: &str) -> TestServer {
    let config = HttpConfig {
        peer_keys: Some(PeerKeys::derive(secret, None)),
        ..HttpConfig::default()
    };
    let server = TestServer::start(config, Arc::new(Alone)).await;
    stand_in.scripted.says().policy = PeerPolicy::ProofRequired;
    server.service.attach(stand_in);
    server
}

fn theirs() -> Vec<u8> {
    serde_json::to_vec(&identity(THEM, "meta-2")).expect("encodes")
}

#[tokio::test]
async fn a_post_is_a_hint_and_is_answered_with_our_identity() {
    let stand_in = Arc::new(StandIn::default());
    let server = TestServer::unjoined(stand_in.clone()).await;
    let reply = server.post(PATH, "", &theirs()).await;
    assert_eq!(reply.status(), 200);
    let ours: influxdb_meta::wire::identity::Identity =
        serde_json::from_slice(&reply.body).expect("decodes");
    assert_eq!(ours, identity(US, "meta-1"));
    assert_eq!(
        reply.header("Influxd-Meta-Proof"),
        None,
        "no secret, no proof"
    );
    let hints = stand_in.hints.lock().expect("hints");
    assert_eq!(
        *hints,
        [(identity(THEM, "meta-2"), IpAddr::V4(Ipv4Addr::LOCALHOST))]
    );
}

#[tokio::test]
async fn a_get_shows_it_to_people() {
    let reply = TestServer::unjoined(Arc::default()).await.get(PATH).await;
    assert_eq!(reply.json()["http"], "meta-1:8091");
}

#[tokio::test]
async fn what_is_no_identity_is_refused() {
    let reply = TestServer::unjoined(Arc::default())
        .await
        .post(PATH, "", b"{}")
        .await;
    assert_eq!(reply.status(), 400);
    assert!(
        reply
            .text()
            .starts_with(r#"{"error":"the body is no identity of a meta node"#),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn a_right_proof_is_answered_with_one_that_is_bound_to_it() {
    let stand_in = Arc::new(StandIn::default());
    let server = with_secret(stand_in.clone(), "s").await;
    let key = PeerKey::derive("s");
    let (body, nonce) = (theirs(), [9; 16]);
    let proof = key.prove_request(PATH, &nonce, THEM, &body);
    let reply = server
        .post(PATH, &format!("Influxd-Meta-Proof: {proof}\r\n"), &body)
        .await;
    assert_eq!(reply.status(), 200);
    let answer = reply
        .header("Influxd-Meta-Proof")
        .expect("an answer's proof");
    assert_eq!(
        key.check_answer(answer, &nonce, THEM, US, &reply.body),
        Ok(())
    );
    assert_eq!(stand_in.hints.lock().expect("hints").len(), 1);
}

#[tokio::test]
async fn a_wrong_proof_is_always_refused() {
    let stand_in = Arc::new(StandIn::default());
    let server = with_secret(stand_in.clone(), "s").await;
    let body = theirs();
    let of_another_secret = PeerKey::derive("t").prove_request(PATH, &[9; 16], THEM, &body);
    let of_another_path =
        PeerKey::derive("s").prove_request("/cluster/join", &[9; 16], THEM, &body);
    for proof in [
        of_another_secret,
        of_another_path,
        "v1".to_owned(),
        String::new(),
    ] {
        let reply = server
            .post(PATH, &format!("Influxd-Meta-Proof: {proof}\r\n"), &body)
            .await;
        let text = r#"{"error":"wrong secret: internal-shared-secret differs"}"#;
        assert_eq!((reply.status(), reply.text()), (401, text), "{proof}");
        assert_eq!(
            reply.header("Www-Authenticate"),
            Some("Basic realm=\"InfluxDB\"")
        );
        assert_eq!(reply.header("X-Influxdb-Error"), None);
    }
    assert!(stand_in.hints.lock().expect("hints").is_empty());
}

/// Where proofs are required nothing is said before the caller's. While a secret is brought in, a
/// caller without one is answered, and what it says is not used.
#[tokio::test]
async fn without_a_proof_a_post_is_refused_or_answered_and_is_no_hint() {
    let stand_in = Arc::new(StandIn::default());
    let server = with_secret(stand_in.clone(), "s").await;
    let reply = server.post(PATH, "", &theirs()).await;
    let text = r#"{"error":"wrong secret: internal-shared-secret differs"}"#;
    assert_eq!((reply.status(), reply.text()), (401, text));
    stand_in.scripted.says().policy = PeerPolicy::ProofWanted;
    let reply = server.post(PATH, "", &theirs()).await;
    assert_eq!(
        (reply.status(), reply.header("Influxd-Meta-Proof")),
        (200, None)
    );
    assert!(stand_in.hints.lock().expect("hints").is_empty());
}

const CLUSTER: ClusterId = ClusterId([0xcc; 16]);

/// A node with the secret, as a caller at this address sees it. Callers are not authenticated.
async fn seen_from(ip: [u8; 4], policy: PeerPolicy) -> TestServer {
    let config = HttpConfig {
        peer_keys: Some(PeerKeys::derive("s", None)),
        auth: AuthConfig {
            internal_secret: Some("s".into()),
            ..AuthConfig::default()
        },
        ..HttpConfig::default()
    };
    let stand_in = StandIn::default();
    stand_in.scripted.says().policy = policy;
    stand_in.view.send_replace(Arc::new(View {
        cluster_id: Some(CLUSTER),
        raft_id: Some(RaftId(7)),
        reason: format!("cluster {CLUSTER} exists at meta-2:8091, Raft id 7: joining it"),
        ..waiting()
    }));
    TestServer::called_from(IpAddr::from(ip), config, stand_in).await
}

/// The answers of all routes about the state of a node, and the status of its identity.
async fn told(server: &TestServer, headers: &str) -> (u16, String) {
    let mut texts = String::new();
    for path in [PATH, "/healthz", "/health", "/readyz", "/status", "/ping"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: meta-1:8091\r\n{headers}\r\n");
        let reply = server.ask(request.as_bytes()).await;
        texts += &format!("{path} {:?} {}", reply.headers, reply.text());
    }
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: meta-1:8091\r\n{headers}\r\n");
    (server.ask(request.as_bytes()).await.status(), texts)
}

fn ids_in(texts: &str) -> Vec<String> {
    let ids = [US.to_string(), CLUSTER.to_string(), "id 7".to_owned()];
    ids.into_iter().filter(|id| texts.contains(id)).collect()
}

/// Without `auth-enabled`, too: 8089 says nothing before the caller's proof, so 8091 must not.
#[tokio::test]
async fn where_proofs_are_required_a_stranger_gets_no_ids() {
    let server = seen_from([10, 0, 0, 9], PeerPolicy::ProofRequired).await;
    for headers in ["", &bearer("other", ""), &bearer("s", "bob")] {
        let (status, texts) = told(&server, headers).await;
        assert_eq!(status, 401, "{texts}");
        assert_eq!(ids_in(&texts), [""; 0], "{texts}");
        // Words about readiness, and whom it waits for, are for everybody.
        assert!(texts.contains("exists at meta-2:8091"), "{texts}");
    }
}

#[tokio::test]
async fn its_own_host_and_who_knows_the_secret_get_them() {
    let far = seen_from([10, 0, 0, 9], PeerPolicy::ProofRequired).await;
    let near = seen_from([127, 0, 0, 1], PeerPolicy::ProofRequired).await;
    // It cannot check a token. Only its own host gets them.
    let without_secret = seen_from([127, 0, 0, 1], PeerPolicy::SecretMissing).await;
    // Whoever reaches such a node is believed in everything.
    let open = seen_from([10, 0, 0, 9], PeerPolicy::ProofWanted).await;
    for (server, headers) in [
        (&far, bearer("s", "")),
        (&near, String::new()),
        (&without_secret, String::new()),
        (&open, String::new()),
    ] {
        let (status, texts) = told(server, &headers).await;
        assert_eq!(status, 200, "{texts}");
        assert_eq!(ids_in(&texts).len(), 3, "{texts}");
    }
}
