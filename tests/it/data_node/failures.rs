//! Calls that fail: each error names the address, the call and the cause, and no call waits beyond
//! its deadline.

use std::net::SocketAddr;
use std::time::Duration;

use influxdb_meta::base::Address;
use influxdb_meta::client::CallError;
use influxdb_meta::data_node::{Failed, FailureCause};
use tokio::time::{Instant, timeout};

use super::scripted::{HERE, Scripted, Step, THERE, d1, in_time, network};

/// Makes a call of two bytes, which the script answers.
async fn leave(script: Vec<Step>) -> Result<(), Failed> {
    Scripted::start(script)
        .await
        .nodes
        .leave_cluster(&d1(), in_time())
        .await
}

/// Failure of a `LeaveCluster` that is answered with these bytes.
async fn answered(bytes: &[u8]) -> Failed {
    let script = vec![Step::Read(2), Step::Write(bytes.to_vec())];
    leave(script).await.expect_err("that is no answer")
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_up_without_an_answer() {
    let failed = leave(vec![Step::Read(2)]).await.expect_err("no answer");
    assert_eq!(
        failed.to_string(),
        "LeaveCluster at d1:8088: read message type: EOF"
    );
    assert_eq!(failed.text(), failed.to_string());
    assert!(failed.why.is_maybe_done() && failed.why.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_short() {
    let whole = b"\x2a\0\0\0\0\0\0\0\x05\x0a\x03why";
    for (end, want) in [
        (1, "read message size: unexpected EOF"),
        (8, "read message size: unexpected EOF"),
        (9, "read message value: unexpected EOF"),
        (13, "read message value: unexpected EOF"),
        (14, "why"),
    ] {
        assert_eq!(
            answered(&whole[..end]).await.why.to_string(),
            want,
            "after {end} bytes"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_reset() {
    let node = Scripted::start(vec![Step::Read(2), Step::Hang]).await;
    let (there, at) = (node.nodes.clone(), d1());
    let call = tokio::spawn(async move { there.leave_cluster(&at, in_time()).await });
    while node.heard().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    node.network.reset(HERE, THERE);
    let failed = call.await.expect("no panic").expect_err("no answer");
    assert_eq!(
        failed.why.to_string(),
        "read message type: connection reset by peer"
    );
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_should_send() {
    let text = |failed: Failed| failed.why.to_string();
    // An answer to another call; a field that is missing or cannot be read.
    assert_eq!(
        text(answered(b"\x28\0\0\0\0\0\0\0\0").await),
        "unreadable answer: an answer of type 40 where 42 was due"
    );
    let junk = answered(b"\x2a\0\0\0\0\0\0\0\x02\x0a\x05").await;
    assert!(
        matches!(&junk.why, FailureCause::Unreadable(error) if error.to_string().starts_with("undecodable body")),
        "{junk}"
    );
    assert!(junk.why.is_maybe_done() && !junk.why.is_retryable());
    // Frames of 1 GiB or more are not read, and memory is not reserved by an announced length.
    assert_eq!(
        text(answered(b"\x2a\0\0\0\0\x40\0\0\0").await),
        "unreadable answer: max message size of 1073741824 exceeded: 1073741824"
    );
    assert_eq!(
        text(answered(b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff").await),
        "unreadable answer: max message size of 1073741824 exceeded: -1"
    );
    assert_eq!(
        text(answered(b"\x2a\0\0\0\0\x3f\xff\xff\xff").await),
        "the answer is larger than 67108864 bytes"
    );
}

/// Operators mix up ports, and use TLS on one side only.
#[tokio::test(start_paused = true)]
async fn somebody_else_answers() {
    for (first, named) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..],
            "8088",
        ),
        (b"HTT", "8088"),
        (b"influxd-meta raft port\n", "8089"),
        (b"\x15\x03\x03\0\x02\x02\x46", "data-use-tls"),
    ] {
        let failed = answered(first).await;
        assert!(
            matches!(&failed.why, FailureCause::NotADataNode(service) if service.to_string().contains(named)),
            "{failed}"
        );
        assert!(!failed.why.is_maybe_done() && !failed.why.is_retryable());
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_there() {
    let (network, nodes) = network().await;
    let why = |at: Address| {
        let nodes = nodes.clone();
        async move {
            nodes
                .leave_cluster(&at, in_time())
                .await
                .expect_err("nobody there")
                .why
        }
    };
    assert_eq!(
        why(d1()).await,
        FailureCause::Unreached(CallError::NAME_UNKNOWN)
    );
    network.name("d1", &[THERE]);
    let refused = why(d1()).await;
    assert_eq!(refused.to_string(), "connection refused");
    assert!(refused.is_retryable() && !refused.is_maybe_done());
}

/// The call may take hours, but connecting may not.
#[tokio::test(start_paused = true)]
async fn a_host_that_swallows_connections_is_given_up_at_once() {
    let (network, nodes) = network().await;
    network.name("d1", &[THERE]);
    network.cut(HERE, THERE);
    let failed = timeout(
        Duration::from_secs(10),
        nodes.leave_cluster(&d1(), in_time()),
    )
    .await;
    let failed = failed
        .expect("long before the deadline")
        .expect_err("nobody answers");
    assert_eq!(
        failed.why,
        FailureCause::Unreached(CallError::Timeout { sent: false })
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_address_of_the_name_is_tried() {
    let node = Scripted::start(vec![
        Step::Read(2),
        Step::Write(b"\x2a\0\0\0\0\0\0\0\0".to_vec()),
    ])
    .await;
    let nowhere = [10, 0, 0, 9].into();
    node.network.name("d1", &[nowhere, THERE]);
    node.network.cut(HERE, nowhere);
    assert_eq!(node.nodes.leave_cluster(&d1(), in_time()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_waited_for_until_the_deadline_and_no_longer() {
    let slow = vec![
        Step::Read(2),
        Step::Wait(Duration::from_secs(3000)),
        Step::Write(b"\x2a\0\0\0\0".to_vec()),
        Step::Wait(Duration::from_secs(500)),
        Step::Write(b"\0\0\0\0".to_vec()),
    ];
    assert_eq!(leave(slow.clone()).await, Ok(()));
    let node = Scripted::start(slow).await;
    for seconds in [100, 3200] {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let failed = node
            .nodes
            .leave_cluster(&d1(), deadline)
            .await
            .expect_err("too late");
        assert_eq!(failed.why, FailureCause::Timeout);
        assert!(failed.why.is_maybe_done());
        assert!(Instant::now() < deadline + Duration::from_secs(1));
    }
}

/// A caller that gives up closes its connection, so the data node does not wait for it.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_closes_its_connection() {
    let (network, nodes) = network().await;
    network.name("d1", &[THERE]);
    let mut listener = network
        .host(THERE)
        .listen(SocketAddr::new(THERE, 8088))
        .await
        .expect("a free port");
    let waited = timeout(
        Duration::from_secs(1),
        nodes.leave_cluster(&d1(), in_time()),
    )
    .await;
    assert!(waited.is_err());
    let mut stream = listener.accept().await.expect("it came");
    let mut all = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut all)
        .await
        .expect("an end");
    assert_eq!(all, [0x02, 0x29]);
}
