//! With `auth-enabled`, meta nodes are checked too: by the proofs of `internal-shared-secret`,
//! whether or not the cluster was founded with a secret.

use influxdb_meta::auth::Method;
use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::wire::joining::{FORM, INVITE, JOIN, LEAVE, MOVED, PROMISE, REMOVED};

use super::{GO_TOKEN, INTERNAL, bearer, config, error, get, server, test_users};
use crate::http::harness::{THEM, identity};

const IDENTITY: &str = "/cluster/identity";

#[tokio::test]
async fn a_meta_node_without_a_proof_is_not_heard() {
    let server = server(config(Method::All), test_users()).await;
    let body = serde_json::to_vec(&identity(THEM, "meta-2")).expect("encodes");
    for headers in ["", GO_TOKEN] {
        let reply = server.post(IDENTITY, headers, &body).await;
        let wrong = (
            401,
            "wrong secret: internal-shared-secret differs".to_owned(),
        );
        assert_eq!(error(&reply), wrong, "{headers}");
        for path in [JOIN, MOVED, REMOVED, PROMISE, INVITE, LEAVE, FORM] {
            let body = format!(r#"{{"from":"{THEM}"}}"#);
            let reply = server.post(path, headers, body.as_bytes()).await;
            assert_eq!(error(&reply), wrong, "{path} {headers}");
        }
    }
}

#[tokio::test]
async fn a_proof_is_enough_for_a_meta_node() {
    let server = server(config(Method::All), test_users()).await;
    let body = serde_json::to_vec(&identity(THEM, "meta-2")).expect("encodes");
    let proof = PeerKey::derive(INTERNAL).prove_request(IDENTITY, &[9; 16], THEM, &body);
    let reply = server
        .post(IDENTITY, &format!("Influxd-Meta-Proof: {proof}\r\n"), &body)
        .await;
    assert_eq!(
        (reply.status(), reply.json()["http"].as_str()),
        (200, Some("meta-1:8091"))
    );
}

/// `GET /cluster/identity` shows more than `/healthz` does without credentials, so it needs
/// credentials too.
#[tokio::test]
async fn people_are_asked_who_they_are_there_too() {
    let server = server(config(Method::All), test_users()).await;
    let reply = get(&server, IDENTITY, "").await;
    assert_eq!(
        error(&reply),
        (401, "unable to parse authentication credentials".to_owned())
    );
    assert_eq!(get(&server, IDENTITY, GO_TOKEN).await.status(), 200);
}

#[tokio::test]
async fn while_the_secret_changes_tokens_of_either_are_accepted() {
    let mut config = config(Method::All);
    config.auth.internal_secret_old = Some("before".into());
    let server = server(config, test_users()).await;
    for (secret, status) in [(INTERNAL, 200), ("before", 200), ("other", 401)] {
        let reply = get(&server, IDENTITY, &bearer(secret, "")).await;
        assert_eq!(reply.status(), status, "{secret}");
    }
}
