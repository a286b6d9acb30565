//! The identity exchange with `internal-shared-secret` (founding.md 11).

use influxdb_meta::auth::PeerKeys;
use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::base::{Address, Incarnation};
use influxdb_meta::client::Client;
use influxdb_meta::cluster::{Exchange, HttpExchange, PeerRequest, PollError};
use influxdb_meta::wire::identity::{Identity, Phase, Starts};
use influxdb_meta::wire::joining::JOIN;

use super::client::{THERE, at, network};
use super::server::{Asked, Reply, Server, json};

const US: Incarnation = Incarnation([1; 16]);
const THEM: Incarnation = Incarnation([2; 16]);

fn of(incarnation: Incarnation, phase: Phase, with_secret: bool) -> Identity {
    Identity {
        protocol: 1,
        version: "1.12.4-c0.1.0".to_owned(),
        feature_level: 1,
        incarnation,
        http: Address::new("meta-1", 8091),
        raft: Address::new("meta-1", 8089),
        phase,
        halted: None,
        vector: None,
        cluster_id: None,
        recovered_from: None,
        raft_id: None,
        cluster_name: String::new(),
        list_hash: None,
        list: Vec::new(),
        expect: 0,
        members: Vec::new(),
        voters: Vec::new(),
        leader_known: false,
        with_secret,
        starts: Starts::default(),
        heard: Vec::new(),
        clock: None,
        process: None,
    }
}

fn text(identity: &Identity) -> String {
    serde_json::to_string(identity).expect("encodes")
}

/// Checks the request's proof and signs the answer, both with this secret.
fn signing(secret: &str, theirs: &Identity) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let (key, body) = (PeerKey::derive(secret), text(theirs));
    move |asked| {
        let proof = asked
            .header("influxd-meta-proof")
            .expect("a proof is always sent");
        let checked = key.check_request(proof, "/cluster/identity", US, asked.body.as_bytes());
        let Ok(nonce) = checked else {
            return json(&body);
        };
        let proof = key.prove_answer(&nonce, US, THEM, body.as_bytes());
        Reply::Http(200, vec![("influxd-meta-proof", proof)], body.clone())
    }
}

/// Answers with this proof, whatever was asked.
fn pinned(
    proof: Option<String>,
    theirs: &Identity,
) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let body = text(theirs);
    move |_| {
        let headers = proof
            .iter()
            .map(|proof| ("influxd-meta-proof", proof.clone()))
            .collect();
        Reply::Http(200, headers, body.clone())
    }
}

async fn poll(
    secret: Option<&str>,
    ours: Phase,
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> Result<Phase, PollError> {
    let (network, env) = network();
    let _server = Server::start(&*network.host(THERE), at(THERE), script).await;
    let keys = secret.map(|secret| PeerKeys::derive(secret, None));
    let exchange = HttpExchange::new(&env, Client::new(&env), keys);
    let host = Address::new("meta-2", 8091);
    let theirs = exchange
        .identity(at(THERE), &host, of(US, ours, secret.is_some()))
        .await?;
    assert_eq!(theirs.incarnation, THEM);
    Ok(theirs.phase)
}

#[tokio::test(start_paused = true)]
async fn the_same_secret_on_both_sides() {
    assert_eq!(influxdb_meta::wire::headers::PROOF, "influxd-meta-proof");
    let theirs = of(THEM, Phase::Accepted, true);
    assert_eq!(
        poll(Some("s"), Phase::Fresh, signing("s", &theirs)).await,
        Ok(Phase::Accepted)
    );
}

#[tokio::test(start_paused = true)]
async fn another_secret_or_none_is_refused_while_founding() {
    let theirs = of(THEM, Phase::Fresh, true);
    // The server finds our proof wrong and answers without one of its own.
    let other = poll(Some("s"), Phase::Fresh, signing("other", &theirs)).await;
    assert_eq!(other, Err(PollError::WrongSecret));
    let none = poll(
        Some("s"),
        Phase::Fresh,
        pinned(None, &of(THEM, Phase::Member, false)),
    )
    .await;
    assert_eq!(
        none,
        Err(PollError::NoSecretThere),
        "not even a member: who knows what it is"
    );
    let junk = poll(
        Some("s"),
        Phase::Member,
        pinned(Some("v1 00".to_owned()), &theirs),
    )
    .await;
    assert_eq!(
        junk,
        Err(PollError::WrongSecret),
        "a wrong proof is always refused"
    );
}

/// A secret is introduced into a running cluster node by node.
#[tokio::test(start_paused = true)]
async fn a_member_hears_others_that_have_no_secret_yet() {
    let without = pinned(None, &of(THEM, Phase::Member, false));
    assert_eq!(
        poll(Some("s"), Phase::Member, without).await,
        Ok(Phase::Member)
    );
    let pretends = pinned(None, &of(THEM, Phase::Member, true));
    assert_eq!(
        poll(Some("s"), Phase::Member, pretends).await,
        Err(PollError::WrongSecret)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_recorded_is_worth_nothing() {
    let theirs = of(THEM, Phase::Fresh, true);
    let recorded = PeerKey::derive("s").prove_answer(&[9; 16], US, THEM, text(&theirs).as_bytes());
    let replayed = poll(Some("s"), Phase::Fresh, pinned(Some(recorded), &theirs)).await;
    assert_eq!(replayed, Err(PollError::WrongSecret));
}

#[tokio::test(start_paused = true)]
async fn without_a_secret_nothing_is_proven_or_asked_for() {
    let theirs = of(THEM, Phase::Fresh, true);
    let script = {
        let answer = pinned(Some("v1 00 00".to_owned()), &theirs);
        move |asked: &Asked| {
            assert_eq!(asked.header("influxd-meta-proof"), None);
            answer(asked)
        }
    };
    assert_eq!(poll(None, Phase::Fresh, script).await, Ok(Phase::Fresh));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_identity_is_not_ours() {
    let said = poll(None, Phase::Fresh, |_| json(r#"{"protocol":1}"#)).await;
    assert!(matches!(said, Err(PollError::NotOurs(_))), "{said:?}");
}

/// In an upgrade: a follower of this version, which sends its challenge, forwards to a leader of
/// the version before. That leader knows the recorded form of a proof only, and answers any other
/// one as a wrong secret, without a challenge.
fn upgraded_follower_of_an_older_leader(asked: &Asked) -> Reply {
    const ANSWER: &str = r#"{"from":"02020202020202020202020202020202"}"#;
    let challenge = ("influxd-meta-challenge", "ab".repeat(16));
    let proof = asked.header("influxd-meta-proof").expect("always sent");
    let key = PeerKey::derive("s");
    match key.check_request(proof, JOIN, US, asked.body.as_bytes()) {
        Ok(nonce) => {
            let proof = key.prove_answer(&nonce, US, THEM, ANSWER.as_bytes());
            let headers = vec![("influxd-meta-proof", proof), challenge];
            Reply::Http(200, headers, ANSWER.to_owned())
        }
        Err(_) => {
            let text = r#"{"error":"wrong secret: internal-shared-secret differs"}"#;
            Reply::Http(401, vec![challenge], text.to_owned())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_of_an_older_version_is_asked_through_an_upgraded_follower() {
    let (network, env) = network();
    let script = upgraded_follower_of_an_older_leader;
    let server = Server::start(&*network.host(THERE), at(THERE), script).await;
    let exchange = |secret: &str| {
        let keys = Some(PeerKeys::derive(secret, None));
        HttpExchange::new(&env, Client::new(&env), keys)
    };
    let to = Address::new(&THERE.to_string(), 8091);
    let ask = || PeerRequest::new(JOIN, US, &serde_json::json!({"from": US}));
    let same = exchange("s");
    for round in 0..3 {
        let answer = same.ask(&to, ask()).await.expect("an answer");
        assert_eq!((answer.status, answer.proven), (200, true), "{round}");
    }
    // Another secret stays wrong, after a bounded number of tries.
    let before = server.heard().len();
    let other = exchange("other").ask(&to, ask()).await;
    assert_eq!(other.map(|answer| answer.status), Ok(401));
    assert!(server.heard().len() - before <= 4, "{:?}", server.heard());
}
