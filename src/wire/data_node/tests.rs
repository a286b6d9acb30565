use super::*;
use crate::base::{Name, NodeId};

fn join(servers: &[&str], update: bool) -> JoinCluster {
    JoinCluster {
        meta_servers: servers.iter().map(Name::from).collect(),
        update,
    }
}

fn copy() -> CopyShard {
    CopyShard {
        host: Name::from("d1:8088"),
        database: Name::from("db"),
        policy: Name::from("rp"),
        shard: 7,
        since: Some(SINCE_THE_BEGINNING),
    }
}

fn node() -> Node {
    Node {
        id: NodeId(4),
        http_addr: Name::from("d1:8086"),
        tcp_addr: Name::from("d1:8088"),
    }
}

fn encode_answer<C: Call>(outcome: &CallOutcome<C::Answer>) -> Vec<u8> {
    C::Answer::encode(outcome)
}

fn decode_answer<C: Call>(body: &[u8]) -> Result<CallOutcome<C::Answer>, RpcFrameError> {
    C::Answer::decode(body)
}

fn sent<C: Call>(call: &C) -> String {
    hex::encode(request(call).expect("short enough"))
}

fn answered<C: Call>(outcome: CallOutcome<C::Answer>) -> String {
    hex::encode(answer::<C>(&outcome).expect("short enough"))
}

/// The examples of wire.md appendix A.
#[test]
fn frames_are_those_of_the_reference() {
    assert_eq!(
        sent(&join(&["m1:8091"], false)),
        "02".to_owned() + "27000000000000000b" + "0a076d313a383039311000"
    );
    assert_eq!(
        answered::<JoinCluster>(Ok(node())),
        "280000000000000016".to_owned() + "0a140804120764313a383038361a0764313a38303838"
    );
    assert_eq!(
        answered::<JoinCluster>(Err("already joined to cluster".to_owned())),
        "28000000000000001b".to_owned() + "1219616c7265616479206a6f696e656420746f20636c7573746572"
    );
    assert_eq!(
        sent(&copy()),
        "02".to_owned()
            + "21000000000000001e"
            + "0a0764313a38303838120264621a0272702007288080e8e8b3fd80d9a101"
    );
    assert_eq!(answered::<CopyShard>(Ok(())), "220000000000000000");
    assert_eq!(sent(&RemoveShard { shard: 7 }), "022300000000000000020807");
    assert_eq!(sent(&ListShards), "0225");
    assert_eq!(sent(&LeaveCluster), "0229");
    assert_eq!(
        answered::<ListShards>(Ok(Shards::new())),
        "2600000000000000040a027b7d"
    );
    assert_eq!(
        sent(&RemoveHintedHandoff { node: NodeId(4) }),
        "022b00000000000000020804"
    );
}

#[test]
fn lengths_up_to_a_gibibyte_are_read_and_no_others() {
    let header = |length: i64| {
        let mut bytes = [40; HEADER_BYTES];
        bytes[1..].copy_from_slice(&length.to_be_bytes());
        RpcHeader::decode(bytes)
    };
    assert_eq!(
        header(0),
        Ok(RpcHeader {
            kind: 40,
            length: 0
        })
    );
    assert_eq!(
        header((1 << 30) - 1),
        Ok(RpcHeader {
            kind: 40,
            length: (1 << 30) - 1
        })
    );
    for length in [1 << 30, i64::MAX, -1, i64::MIN] {
        assert_eq!(header(length), Err(RpcFrameError::TooLong(length)));
    }
    // The beginning of an HTTP answer.
    let http = RpcHeader::decode(*b"HTTP/1.1 ").expect_err("far too long");
    assert_eq!(
        http.to_string(),
        "max message size of 1073741824 exceeded: 6076569960848437536"
    );
}

#[test]
fn an_answer_to_something_else_is_none() {
    let header = RpcHeader {
        kind: MessageType::ListShards.answer(),
        length: 0,
    };
    assert_eq!(header.answers(MessageType::ListShards), Ok(header));
    assert_eq!(
        header.answers(MessageType::CopyShard),
        Err(RpcFrameError::Kind { found: 38, due: 34 })
    );
}

#[test]
fn each_request_says_which_call_it_is() {
    for kind in MessageType::ALL {
        assert_eq!(MessageType::of_request(kind.request()), Some(kind));
        assert_eq!(MessageType::of_request(kind.answer()), None);
    }
}

#[test]
fn what_a_newer_node_adds_is_skipped() {
    // Field 15, of each wire type.
    let newer: &[u8] = b"\x78\x01\x79\x00\x00\x00\x00\x00\x00\x00\x00\x7a\x01x\x7d\x00\x00\x00\x00";
    let with = |body: Vec<u8>| [newer, &body, newer].concat();
    assert_eq!(CopyShard::decode(&with(copy().encode())), Ok(copy()));
    assert_eq!(
        RemoveShard::decode(&with(RemoveShard { shard: 9 }.encode())),
        Ok(RemoveShard { shard: 9 })
    );
    assert_eq!(
        decode_answer::<JoinCluster>(&with(encode_answer::<JoinCluster>(&Ok(node())))),
        Ok(Ok(node()))
    );
    assert_eq!(decode_answer::<LeaveCluster>(newer), Ok(Ok(())));
}

#[test]
fn what_is_required_is_missed_by_its_name() {
    let copy = |without: usize| {
        let fields: [&[u8]; 4] = [b"\x0a\x01h", b"\x12\x01d", b"\x1a\x01p", b"\x20\x07"];
        let rest: Vec<&[u8]> = fields
            .into_iter()
            .enumerate()
            .filter(|(at, _)| *at != without)
            .map(|(_, f)| f)
            .collect();
        CopyShard::decode(&rest.concat())
    };
    for (without, name) in ["Host", "Database", "Policy", "ShardID"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(copy(without), Err(RpcFrameError::Missing(name)));
    }
    assert_eq!(copy(4).map(|copy| copy.since), Ok(None));
    assert_eq!(
        RemoveShard::decode(b""),
        Err(RpcFrameError::Missing("ShardID"))
    );
    assert_eq!(
        RemoveHintedHandoff::decode(b""),
        Err(RpcFrameError::Missing("NodeID"))
    );
    assert_eq!(
        JoinCluster::decode(b"\x0a\x01m"),
        Err(RpcFrameError::Missing("Update"))
    );
    assert_eq!(
        decode_answer::<JoinCluster>(b""),
        Err(RpcFrameError::Missing("Node"))
    );
    assert_eq!(
        decode_answer::<JoinCluster>(b"\x0a\x00"),
        Err(RpcFrameError::Missing("Node.ID"))
    );
    assert_eq!(
        decode_answer::<ListShards>(b""),
        Err(RpcFrameError::Missing("Shards"))
    );
}

#[test]
fn an_error_is_the_nodes_own_text_whatever_stands_beside_it() {
    fn words<T>(text: &str) -> Result<CallOutcome<T>, RpcFrameError> {
        Ok(Err(text.to_owned()))
    }
    assert_eq!(
        decode_answer::<RemoveShard>(b"\x0a\x0fshard not found"),
        words("shard not found")
    );
    // Present and empty: also an error.
    assert_eq!(decode_answer::<CopyShard>(b"\x0a\x00"), words(""));
    assert_eq!(
        decode_answer::<CopyShard>(b"\x0a\x01\xff"),
        words("\u{fffd}")
    );
    assert_eq!(
        decode_answer::<ListShards>(b"\x0a\x02{}\x12\x01x"),
        words("x")
    );
    assert_eq!(decode_answer::<ListShards>(b"\x12\x01x"), words("x"));
    assert_eq!(
        decode_answer::<JoinCluster>(b"\x0a\x02\x08\x04\x12\x01x"),
        words("x")
    );
}

#[test]
fn shards_are_read_from_what_go_writes() {
    let decoded = |json: &[u8]| {
        let length = u8::try_from(json.len()).expect("short");
        decode_answer::<ListShards>(&[b"\x0a", [length].as_slice(), json].concat())
    };
    assert_eq!(decoded(b"{}"), Ok(Ok(Shards::new())));
    assert_eq!(decoded(b"null"), Ok(Ok(Shards::new())));
    let sparse = ShardOwnerInfo {
        id: NodeId(2),
        tcp_addr: String::new(),
        state: String::new(),
        last_modified: "0001-01-01T00:00:00Z".to_owned(),
        size: 0,
        err: "not found".to_owned(),
    };
    let shards = Shards::from([(11, sparse)]);
    assert_eq!(
        decoded(br#"{"11":{"id":2,"err":"not found","more":[]}}"#),
        Ok(Ok(shards))
    );
    for junk in [
        &b""[..],
        b"{",
        b"[]",
        b"7",
        br#"{"x":{"id":2}}"#,
        br#"{"1":{}}"#,
        b"\xff",
    ] {
        assert!(
            matches!(decoded(junk), Err(RpcFrameError::Shards(_))),
            "{junk:?}"
        );
    }
}

/// Go sorts the keys of a map as texts.
#[test]
fn shards_are_written_in_the_order_of_their_digits() {
    let info = || ShardOwnerInfo {
        id: NodeId(1),
        tcp_addr: "d:1".to_owned(),
        state: "hot".to_owned(),
        last_modified: "2026-11-23T03:34:20Z".to_owned(),
        size: -1,
        err: String::new(),
    };
    let body = encode_answer::<ListShards>(&Ok(Shards::from([(9, info()), (10, info())])));
    let one = concat!(
        r#"{"id":1,"tcpAddr":"d:1","state":"hot","#,
        r#""last-modified":"2026-11-23T03:34:20Z","size":-1,"err":""}"#
    );
    assert!(String::from_utf8_lossy(&body).ends_with(&format!(r#"{{"10":{one},"9":{one}}}"#)));
}

#[test]
fn no_damage_makes_a_decoder_panic() {
    let bodies = [
        copy().encode(),
        join(&["m1:8091", "m2:8091"], true).encode(),
    ];
    let answers = [
        encode_answer::<JoinCluster>(&Ok(node())),
        encode_answer::<ListShards>(&Ok(Shards::new())),
    ];
    for body in bodies.into_iter().chain(answers) {
        for bit in 0..body.len() * 8 {
            let mut flipped = body.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _either = (CopyShard::decode(&flipped), JoinCluster::decode(&flipped));
            let _either = (
                decode_answer::<JoinCluster>(&flipped),
                decode_answer::<ListShards>(&flipped),
            );
        }
        for end in 0..body.len() {
            let _either = (
                CopyShard::decode(&body[..end]),
                decode_answer::<JoinCluster>(&body[..end]),
            );
        }
    }
}

#[test]
fn a_status_is_read_and_written_as_data_nodes_do() {
    let joined = concat!(
        r#"{"nodeType":"data","hostname":"d1","tcpBind":":8088","tcpAddr":"d1:8088","#,
        r#""httpAddr":"d1:8086","nodeStatus":"joined","metaAddrs":["m1:8091"]}"#
    );
    let status: DataNodeStatus = serde_json::from_str(joined).expect("a status");
    assert!(status.is_joined());
    assert_eq!(serde_json::to_string(&status).expect("JSON"), joined);
    let fresh = concat!(
        r#"{"nodeType":"data","hostname":"","tcpBind":":8088","tcpAddr":"d1:8088","#,
        r#""httpAddr":"d1:8086","nodeStatus":"disjoined","metaAddrs":null}"#
    );
    let status: DataNodeStatus = serde_json::from_str(fresh).expect("a status");
    assert!(!status.is_joined());
    assert_eq!(serde_json::to_string(&status).expect("JSON"), fresh);
}
