//! The identity exchange: the JSON of `/cluster/identity` in each phase, and the proof in the
//! header.
//!
//! Every version that speaks protocol 1 reads these bytes. A version of another protocol refuses
//! them by the number, which `wire::identity` tests.

use influxdb_meta::auth::proof::{Nonce, PeerKey};
use influxdb_meta::base::{Address, ClusterId, Incarnation, ListHash, RaftId, StartId};
use influxdb_meta::wire::identity::{Identity, Phase, Starts};

use super::{assert_written, founders, frozen};

const NONCE: Nonce = [7; 16];

#[test]
fn identities_of_protocol_1_are_read() {
    for (file, want) in identities() {
        assert_eq!(Identity::decode(&frozen(file)), Ok(want), "{file}");
    }
}

#[test]
fn identities_of_protocol_1_are_what_is_written() {
    for (file, identity) in identities() {
        assert_written(file, &identity.encode());
    }
}

#[test]
fn proofs_of_version_1_hold_and_are_what_is_written() {
    assert_eq!(influxdb_meta::wire::headers::PROOF, "influxd-meta-proof");
    let key = PeerKey::derive("the secret of this cluster");
    let (asked, answered) = (
        frozen("exchange/fresh.json"),
        frozen("exchange/member.json"),
    );
    let caller = Identity::decode(&asked).expect("an identity").incarnation;
    let callee = Identity::decode(&answered)
        .expect("an identity")
        .incarnation;

    let request = text("exchange/fresh.proof-of-request");
    assert_eq!(
        key.check_request(&request, "/cluster/identity", caller, &asked),
        Ok(NONCE)
    );
    let answer = text("exchange/member.proof-of-answer");
    assert_eq!(
        key.check_answer(&answer, &NONCE, caller, callee, &answered),
        Ok(())
    );

    let written = key.prove_request("/cluster/identity", &NONCE, caller, &asked);
    assert_written("exchange/fresh.proof-of-request", written.as_bytes());
    let written = key.prove_answer(&NONCE, caller, callee, &answered);
    assert_written("exchange/member.proof-of-answer", written.as_bytes());
}

fn text(file: &str) -> String {
    String::from_utf8(frozen(file)).expect("text")
}

/// In `fresh`, all optional fields are absent; in `member`, each has a value of its own.
fn identities() -> Vec<(&'static str, Identity)> {
    let fresh = Identity {
        protocol: 1,
        version: "1.12.4-c0.1.0".to_owned(),
        feature_level: 1,
        incarnation: Incarnation([5; 16]),
        http: Address::new("meta-5", 8091),
        raft: Address::new("fd00::5", 8089),
        phase: Phase::Fresh,
        halted: None,
        vector: None,
        cluster_id: None,
        recovered_from: None,
        raft_id: None,
        cluster_name: "prod".to_owned(),
        list_hash: None,
        list: Vec::new(),
        expect: 0,
        members: Vec::new(),
        voters: Vec::new(),
        leader_known: false,
        with_secret: false,
        starts: Starts::default(),
        heard: Vec::new(),
        clock: None,
        process: None,
    };
    let list: Vec<Address> = founders().into_iter().map(|founder| founder.http).collect();
    let accepted = Identity {
        phase: Phase::Accepted,
        vector: Some(founders()),
        list_hash: Some(ListHash([0x1a; 32])),
        list: list.clone(),
        expect: 3,
        ..fresh.clone()
    };
    let cluster_id = Some(ClusterId([0xc1; 16]));
    let started = Identity {
        phase: Phase::Started,
        cluster_id,
        raft_id: Some(RaftId(2)),
        ..accepted.clone()
    };
    let joining = Identity {
        phase: Phase::Joining,
        cluster_id,
        raft_id: Some(RaftId(4)),
        ..fresh.clone()
    };
    let member = Identity {
        phase: Phase::Member,
        incarnation: Incarnation([2; 16]),
        halted: Some("the log is damaged: \"why\"".to_owned()),
        recovered_from: Some(ClusterId([0xc0; 16])),
        members: list.clone(),
        leader_known: true,
        with_secret: true,
        starts: Starts {
            counter: 70,
            ids: vec![StartId([0xa1; 8]), StartId([0xa2; 8])],
            durable_seq: 4711,
        },
        heard: vec![(Incarnation([1; 16]), 0), (Incarnation([3; 16]), 1500)],
        clock: None,
        process: None,
        ..started.clone()
    };
    // `voters` was added later: the other files are of versions that do not send it.
    let learner = Identity {
        phase: Phase::Member,
        cluster_id,
        raft_id: Some(RaftId(4)),
        members: list.iter().cloned().chain([fresh.http.clone()]).collect(),
        voters: list,
        ..fresh.clone()
    };
    let removed = Identity {
        phase: Phase::Removed,
        cluster_id,
        ..fresh.clone()
    };
    vec![
        ("exchange/fresh.json", fresh),
        ("exchange/accepted.json", accepted),
        ("exchange/started.json", started),
        ("exchange/joining.json", joining),
        ("exchange/member.json", member),
        ("exchange/learner.json", learner),
        ("exchange/removed.json", removed),
    ]
}
