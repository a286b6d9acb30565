//! Every recorded call is understood, and encoded to the same bytes.

use influxdb_meta::wire::data_node::{
    Call, CallOutcome, CopyShard, DataNodeResponse, HEADER_BYTES, JoinCluster, LeaveCluster,
    ListShards, MUX, MessageType, RemoveHintedHandoff, RemoveShard, RpcHeader, answer, request,
};

use crate::vectors::files;

/// Request and answer of each recorded call.
fn recorded(kind: MessageType) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let requests = files("vectors/rpc", ".req.bin").into_iter();
    let requests = requests.filter(|(path, _)| path.contains(&format!("-rpc-{kind}-")));
    let mut answers = files("vectors/rpc", ".resp.bin").into_iter();
    let pairs: Vec<_> = requests
        .map(|(path, request)| {
            let of_it = path.replace(".req.", ".resp.");
            let (_, answer) = answers
                .find(|(path, _)| *path == of_it)
                .expect("its answer");
            (path, request, answer)
        })
        .collect();
    assert!(!pairs.is_empty(), "no {kind} was recorded");
    pairs
}

/// Body of a frame of this type, which must fill the bytes.
#[track_caller]
fn body(bytes: &[u8], kind: u8) -> &[u8] {
    let (header, body) = bytes.split_first_chunk::<HEADER_BYTES>().expect("a header");
    let header = RpcHeader::decode(*header).expect("a header");
    assert_eq!(
        header,
        RpcHeader {
            kind,
            length: body.len()
        }
    );
    body
}

fn check<C: Call>() -> Vec<(C, CallOutcome<C::Answer>)> {
    let mut calls = Vec::new();
    for (path, sent, answered) in recorded(C::KIND) {
        let call = match sent.as_slice() {
            [MUX, kind] => {
                assert_eq!(
                    (MessageType::of_request(*kind), C::KIND.has_body()),
                    (Some(C::KIND), false),
                    "{path}"
                );
                C::decode(b"")
            }
            [MUX, frame @ ..] => C::decode(body(frame, C::KIND.request())),
            other => panic!("{path}: {other:?}"),
        };
        let call = call.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(request(&call).expect("short").as_ref(), sent, "{path}");
        let outcome = C::Answer::decode(body(&answered, C::KIND.answer()));
        let outcome = outcome.unwrap_or_else(|error| panic!("answer to {path}: {error}"));
        assert_eq!(
            answer::<C>(&outcome).expect("short").as_ref(),
            answered,
            "answer to {path}"
        );
        calls.push((call, outcome));
    }
    calls
}

#[test]
fn join_cluster() {
    let calls = check::<JoinCluster>();
    let (call, outcome) = &calls[0];
    let servers: Vec<_> = call.meta_servers.iter().map(ToString::to_string).collect();
    assert_eq!(
        servers,
        ["127.0.0.2:8091", "127.0.0.3:8091", "127.0.0.4:8091"]
    );
    assert!(!call.update);
    let node = outcome.as_ref().expect("it joined");
    assert_eq!(
        (node.id.0, node.tcp_addr.to_string()),
        (4, "127.0.0.11:8088".to_owned())
    );
    assert_eq!(node.http_addr.to_string(), "127.0.0.11:8086");
    assert_eq!(calls[2].1, Err("already joined to cluster".to_owned()));
}

#[test]
fn leave_cluster() {
    assert!(
        check::<LeaveCluster>()
            .iter()
            .all(|(_, outcome)| outcome.is_ok())
    );
}

#[test]
fn copy_shard() {
    let calls = check::<CopyShard>();
    let (call, outcome) = &calls[0];
    assert_eq!(outcome, &Ok(()));
    assert_eq!(
        (call.host.to_string(), call.shard),
        ("127.0.0.12:8088".to_owned(), 3)
    );
    assert_eq!(
        (call.database.to_string(), call.policy.to_string()),
        ("db1".to_owned(), "rp1".to_owned())
    );
    assert_eq!(
        call.since,
        Some(influxdb_meta::wire::data_node::SINCE_THE_BEGINNING)
    );
}

#[test]
fn remove_shard() {
    let outcomes: Vec<_> = check::<RemoveShard>()
        .into_iter()
        .map(|(call, out)| (call.shard, out))
        .collect();
    assert_eq!(
        outcomes,
        [
            (3, Ok(())),
            (3, Err("shard not found".to_owned())),
            (5, Ok(()))
        ]
    );
}

#[test]
fn list_shards() {
    let calls = check::<ListShards>();
    let shards = calls[0].1.as_ref().expect("a list");
    let shard = &shards[&1];
    assert_eq!(
        (shard.id.0, shard.tcp_addr.as_str(), shard.state.as_str()),
        (5, "127.0.0.12:8088", "hot")
    );
    assert_eq!(
        (shard.last_modified.as_str(), shard.size),
        ("2026-11-23T03:34:20.006830624Z", 16865)
    );
}

#[test]
fn remove_hinted_handoff() {
    let nodes: Vec<_> = check::<RemoveHintedHandoff>()
        .into_iter()
        .map(|(call, _)| call.node.0)
        .collect();
    assert_eq!(nodes, [5, 6, 7]);
}
