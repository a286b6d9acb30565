//! Each limit of time in each stage of a connection, in simulated time with the limits of the
//! product: idle 150 s, head 10 s, pause of a body 20 s, whole body 300 s, unread answer 60 s.

use std::sync::Arc;
use std::time::Duration;

use influxdb_meta::cluster::Warning;
use influxdb_meta::http::HttpConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::harness::{Connection, StandIn, TestServer, waiting};

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";

/// Action of a client, or what it sees.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(&'static [u8]),
    /// Sends this many bytes of a body.
    Body(usize),
    /// Sends one byte of a body every so many seconds, this many times.
    Dribble {
        every: u64,
        times: u32,
    },
    /// Nothing comes for so many seconds, and the connection stays open.
    Silent(u64),
    /// An answer with this status comes within so many seconds.
    Answer(u16, u64),
    /// The connection ends within so many seconds, without another byte.
    Closed(u64),
    HalfClose,
}
use Step::{Answer, Body, Closed, Dribble, HalfClose, Send, Silent};

const LEAVE_100: &[u8] = b"POST /leave HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n";
const LEAVE_100000: &[u8] = b"POST /leave HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
const LEAVE_CHUNKED: &[u8] =
    b"POST /leave HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
const LEAVE_EMPTY: &[u8] = b"POST /leave HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
const LEAVE_WHOLE: &[u8] = b"POST /leave HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
const LEAVE_EXPECT: &[u8] =
    b"POST /leave HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
/// A part of a head.
const PART: &[u8] = b"GET /pi";

/// Stage and limit, and what happens there. `/leave` takes 1,000 s, longer than every limit.
const ROWS: &[(&str, &[Step])] = &[
    ("idle, first: 150 s", &[Silent(149), Closed(2)]),
    (
        "idle, after an answer: 150 s",
        &[
            Silent(100),
            Send(PING),
            Answer(200, 1),
            Silent(149),
            Closed(2),
        ],
    ),
    ("head: 10 s", &[Send(PART), Silent(9), Closed(2)]),
    (
        "head: idle time before it does not count",
        &[
            Silent(149),
            Send(PART),
            Silent(9),
            Send(b"ng HTTP/1.1\r\nHost: x\r\n\r\n"),
            Answer(200, 1),
        ],
    ),
    (
        "head: more bytes do not start its time again",
        &[Send(PART), Silent(6), Send(b"ng HT"), Silent(3), Closed(2)],
    ),
    (
        "head: the second of a connection has the same",
        &[
            Send(PING),
            Answer(200, 1),
            Silent(100),
            Send(PART),
            Silent(9),
            Closed(2),
        ],
    ),
    (
        "head: begun during an answer, its time starts after it",
        &[
            Send(LEAVE_WHOLE),
            Silent(1),
            Send(PART),
            Answer(204, 1001),
            Silent(9),
            Closed(2),
        ],
    ),
    (
        "body: a pause of 20 s is answered",
        &[
            Send(LEAVE_100),
            Body(50),
            Silent(19),
            Answer(408, 2),
            Closed(2),
        ],
    ),
    (
        "body: the limit of a head is not its limit",
        &[
            Send(LEAVE_100),
            Silent(15),
            Body(50),
            Silent(15),
            Body(50),
            Answer(204, 1001),
        ],
    ),
    (
        "body: 300 s in all",
        &[
            Send(LEAVE_100),
            Dribble {
                every: 15,
                times: 19,
            },
            Silent(14),
            Answer(408, 2),
            Closed(2),
        ],
    ),
    (
        "waiting, without a body: no limit",
        &[
            Send(LEAVE_EMPTY),
            Silent(999),
            Answer(204, 2),
            Send(PING),
            Answer(200, 1),
        ],
    ),
    (
        "waiting, body with its head: no limit",
        &[
            Send(LEAVE_WHOLE),
            Silent(999),
            Answer(204, 2),
            Send(PING),
            Answer(200, 1),
        ],
    ),
    (
        "waiting, body after its head: no limit",
        &[
            Send(LEAVE_100),
            Body(100),
            Silent(999),
            Answer(204, 2),
            Send(PING),
            Answer(200, 1),
        ],
    ),
    (
        "waiting, body in pieces: no limit",
        &[
            Send(LEAVE_100),
            Body(1),
            Silent(5),
            Body(99),
            Silent(999),
            Answer(204, 2),
        ],
    ),
    (
        "waiting, large body: no limit",
        &[
            Send(LEAVE_100000),
            Body(50_000),
            Body(50_000),
            Silent(999),
            Answer(204, 2),
        ],
    ),
    (
        "waiting, chunked body: no limit",
        &[
            Send(LEAVE_CHUNKED),
            Send(b"1\r\nx\r\n"),
            Send(b"0\r\n\r\n"),
            Silent(999),
            Answer(204, 2),
        ],
    ),
    (
        "waiting, body that was asked for with 100: no limit",
        &[
            Send(LEAVE_EXPECT),
            Answer(100, 1),
            Body(5),
            Silent(999),
            Answer(204, 2),
        ],
    ),
    (
        "waiting, half closed: no limit, then the end",
        &[
            Send(LEAVE_100),
            Body(100),
            HalfClose,
            Silent(999),
            Answer(204, 2),
            Closed(1),
        ],
    ),
    (
        "half closed in a body: an answer at once",
        &[
            Send(LEAVE_100),
            Body(99),
            HalfClose,
            Answer(400, 1),
            Closed(1),
        ],
    ),
    (
        "half closed in a head: the end at once",
        &[Send(PART), HalfClose, Closed(1)],
    ),
];

#[tokio::test(start_paused = true)]
async fn each_limit_belongs_to_its_stage() {
    for (row, steps) in ROWS {
        let stand_in = StandIn {
            delay: Duration::from_secs(1000),
            ..StandIn::default()
        };
        let server = TestServer::simulated(HttpConfig::default(), stand_in).await;
        let mut connection = server.connect().await;
        for (number, step) in steps.iter().enumerate() {
            follow(
                &mut connection,
                *step,
                &format!("{row}: step {number}, {step:?}"),
            )
            .await;
        }
    }
}

async fn follow(connection: &mut Connection, step: Step, row: &str) {
    match step {
        Send(bytes) => connection.send(bytes).await,
        Body(bytes) => connection.send(&vec![b' '; bytes]).await,
        Dribble { every, times } => {
            for _ in 0..times {
                assert!(is_silent(connection, every).await, "{row}");
                connection.send(b" ").await;
            }
        }
        Silent(seconds) => {
            let mut bytes = [0; 200];
            let read = timeout(
                Duration::from_secs(seconds),
                connection.stream.read(&mut bytes),
            );
            if let Ok(read) = read.await {
                let seen = read.map(|len| String::from_utf8_lossy(&bytes[..len]).into_owned());
                panic!("{row}: {seen:?}");
            }
        }
        Answer(status, within) => {
            let answer = timeout(Duration::from_secs(within), connection.reply_at_last()).await;
            let answer = answer.unwrap_or_else(|_| panic!("{row}: no answer"));
            assert_eq!(answer.status(), status, "{row}");
        }
        Closed(within) => {
            let mut byte = [0];
            let read = timeout(
                Duration::from_secs(within),
                connection.stream.read(&mut byte),
            );
            let read = read.await.unwrap_or_else(|_| panic!("{row}: still open"));
            assert!(matches!(read, Ok(0) | Err(_)), "{row}: {read:?}");
        }
        HalfClose => connection.half_close().await,
    }
}

async fn is_silent(connection: &mut Connection, seconds: u64) -> bool {
    let read = timeout(Duration::from_secs(seconds), connection.stream.read_u8());
    read.await.is_err()
}

/// Makes a server whose `/healthz` has 16 MiB.
async fn verbose() -> TestServer {
    let stand_in = StandIn::default();
    let mut view = waiting();
    view.warnings = vec![Warning::OwnNameUnknown("w".repeat(1 << 20)); 16];
    stand_in.view.send_replace(Arc::new(view));
    TestServer::simulated(HttpConfig::default(), stand_in).await
}

/// Sending: 60 s for a peer that takes nothing.
#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_ends_the_connection() {
    let server = verbose().await;
    let mut connection = server.connect().await;
    connection
        .send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    sleep(Duration::from_secs(59)).await;
    let open = || server.service.metrics().connections.get();
    assert_eq!(open(), 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(open(), 0);
}

/// Sending: a slow reader may take longer than every limit, as long as it takes something.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_its_whole_answer() {
    let server = verbose().await;
    let mut connection = server.connect().await;
    connection
        .send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    let mut piece = vec![0; 256 << 10];
    for _ in 0..64 {
        sleep(Duration::from_secs(50)).await;
        connection
            .stream
            .read_exact(&mut piece)
            .await
            .expect("a piece");
    }
    // The rest of the answer, and the next one on the same connection.
    connection.stream.write_all(PING).await.expect("sends");
    let mut rest = Vec::new();
    while !rest.ends_with(b"HTTP/1.1 200 OK\r\n") {
        rest.push(connection.stream.read_u8().await.expect("the next answer"));
    }
}

/// An answer made before the body was read is not lost because the client is still sending.
#[tokio::test(start_paused = true)]
async fn an_early_answer_reaches_a_client_that_is_sending() {
    let server = TestServer::simulated(HttpConfig::default(), StandIn::default()).await;
    let mut connection = server.connect().await;
    connection
        .send(b"POST /leave HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
        .await;
    for _ in 0..8 {
        connection.send(&vec![b' '; 1_000_000]).await;
    }
    assert_eq!(connection.reply().await.status(), 413);
}
