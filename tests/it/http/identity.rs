//! `/cluster/identity` and its proofs.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::auth::{PeerKeys, PeerPolicy};
use influxdb_meta::http::HttpConfig;

use super::harness::{Alone, StandIn, THEM, TestServer, US, identity};

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
