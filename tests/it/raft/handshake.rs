//! Refusals on 8089: which connections are refused, with which codes, and what they cost the
//! listener.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use influxdb_meta::auth::PeerPolicy;
use influxdb_meta::base::{Address, ClusterId, Incarnation, RaftId};
use influxdb_meta::raft::{Replica, Transport};
use influxdb_meta::runtime::disk;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::net::{BoxFuture, Listener, LookupError, Net, Stream};
use influxdb_meta::wire::frames::{
    self, BANNER, Challenge, Frame, Hello, Lane, MAGIC, Proof, Proofs, Refused, RefusedFrame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::world::{TestAdmission, bind, env, ip, replica, starts};
use crate::seeded::Seeded;

/// Node 1 listens; the test dials from host 2 unless it says otherwise.
struct Scene {
    transport: Transport,
    network: Network,
    net: Arc<dyn Net>,
}

async fn scene(admission: TestAdmission) -> Scene {
    let network = Network::new(
        Seeded::new(1),
        Duration::from_millis(1)..Duration::from_millis(2),
    );
    let here = env(
        network.host(ip(1)),
        Seeded::new(2),
        Arc::new(disk::System::default()),
    );
    let transport = Transport::listen(&here, bind(1), Arc::new(admission))
        .await
        .expect("the port is free");
    Scene {
        transport,
        net: network.host(ip(2)),
        network,
    }
}

fn hello(receiver: Replica) -> Hello {
    Hello {
        versions: (1, 1),
        lane: Lane::Control,
        sender: replica(2),
        sender_http: Address::new("meta-2", 8091),
        receiver,
        starts: starts(),
        nonce: [5; 32],
    }
}

async fn dial(scene: &Scene) -> Box<dyn Stream> {
    scene
        .net
        .dial(scene.transport.local())
        .await
        .expect("it listens")
}

/// Opens a connection from the host of this number that never finishes its greeting.
async fn dial_and_stall(scene: &Scene, host: u64) -> Box<dyn Stream> {
    let mut stream = scene
        .network
        .host(ip(host))
        .dial(scene.transport.local())
        .await
        .expect("it listens");
    stream.write_all(&MAGIC[..3]).await.expect("written");
    stream
}

/// Counts the streams that are closed by now.
async fn closed(streams: &mut [Box<dyn Stream>]) -> usize {
    let mut closed = 0;
    for stream in streams {
        closed += usize::from(
            timeout(Duration::from_millis(1), stream.read(&mut [0]))
                .await
                .is_ok(),
        );
    }
    closed
}

async fn say(stream: &mut Box<dyn Stream>, frame: &Frame) {
    let mut bytes = BytesMut::new();
    frames::encode(frame, &mut bytes);
    stream.write_all(&bytes).await.expect("written");
}

async fn hear(stream: &mut Box<dyn Stream>) -> Frame {
    let len = stream.read_u32().await.expect("a frame's length");
    let mut body = vec![0; len as usize];
    stream.read_exact(&mut body).await.expect("a frame's body");
    frames::decode(Bytes::from(body)).expect("a frame")
}

/// Reads until the other side closes, which must happen within `within`.
async fn rest(stream: &mut Box<dyn Stream>, within: Duration) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(within, stream.read_to_end(&mut bytes))
        .await
        .expect("closed in time")
        .expect("closed cleanly");
    bytes
}

/// Sends the hello and this proof; returns the challenge and the verdict.
async fn handshake(scene: &Scene, hello: Hello, proof: Option<[u8; 32]>) -> (Challenge, Frame) {
    let mut stream = dial(scene).await;
    stream.write_all(&MAGIC).await.expect("written");
    say(&mut stream, &Frame::Hello(hello)).await;
    let Frame::Challenge(challenge) = hear(&mut stream).await else {
        panic!("no challenge")
    };
    say(&mut stream, &Frame::Proof(Proof(proof))).await;
    let verdict = hear(&mut stream).await;
    assert_eq!(
        rest(&mut stream, Duration::from_secs(1)).await,
        b"",
        "closed after the refusal"
    );
    (challenge, verdict)
}

fn code(verdict: &Frame) -> RefusedFrame {
    let Frame::Refused(Refused { code, text }) = verdict else {
        panic!("not refused: {verdict:?}")
    };
    assert!(!text.is_empty(), "a refusal has words");
    *code
}

#[tokio::test(start_paused = true)]
async fn only_the_very_incarnation_that_is_meant_answers() {
    let scene = scene(TestAdmission::new(replica(1))).await;
    let me = replica(1);
    let others = [
        Replica {
            cluster_id: ClusterId([8; 16]),
            ..me
        },
        Replica {
            raft_id: RaftId(3),
            ..me
        },
        // A wiped volume under its old name: it must not vote for what it no longer knows.
        Replica {
            incarnation: Incarnation([9; 16]),
            ..me
        },
    ];
    for receiver in others {
        let (challenge, verdict) = handshake(&scene, hello(receiver), None).await;
        assert_eq!(code(&verdict), RefusedFrame::NotMe, "{receiver:?}");
        assert_eq!(challenge.callee, Some(me), "it says who it is instead");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_speaks_raft_before_it_is_open() {
    // A member whose Raft node does not admit yet, and a node that belongs to no cluster.
    let open_soon = TestAdmission::new(replica(1));
    let unjoined = TestAdmission {
        me: None,
        ..open_soon.clone()
    };
    for admission in [open_soon, unjoined] {
        let (hints, before) = (
            admission.hints.clone(),
            admission.hints.lock().expect("not poisoned").len(),
        );
        let scene = scene(admission).await;
        let (_, verdict) = handshake(&scene, hello(replica(1)), None).await;
        assert_eq!(code(&verdict), RefusedFrame::NotOpen);
        let after = hints.lock().expect("not poisoned").len();
        assert_eq!(after, before + 1, "the handshake was a hint");
    }
}

#[tokio::test(start_paused = true)]
async fn the_tombstoned_are_told_whomever_they_mean() {
    let admission = TestAdmission {
        tombstoned: vec![replica(2).incarnation],
        ..TestAdmission::new(replica(1))
    };
    let scene = scene(admission).await;
    for receiver in [replica(1), replica(3)] {
        let (_, verdict) = handshake(&scene, hello(receiver), None).await;
        assert_eq!(code(&verdict), RefusedFrame::Tombstoned);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_proof_is_always_refused_and_a_missing_one_where_it_is_needed() {
    let with_key = TestAdmission {
        key: Some([1; 32]),
        ..TestAdmission::new(replica(1))
    };
    for policy in [PeerPolicy::ProofWanted, PeerPolicy::ProofRequired] {
        let admission = TestAdmission {
            policy,
            hints: Arc::default(),
            ..with_key.clone()
        };
        let hints = admission.hints.clone();
        let scene = scene(admission).await;
        let (challenge, verdict) = handshake(&scene, hello(replica(1)), Some([0; 32])).await;
        assert_eq!(code(&verdict), RefusedFrame::WrongSecret);
        // The listener's own proof, sent back to it: a proof covers its direction.
        let (_, verdict) = handshake(&scene, hello(replica(1)), challenge.proof).await;
        assert_eq!(code(&verdict), RefusedFrame::WrongSecret);
        assert_eq!(
            hints.lock().expect("not poisoned").len(),
            0,
            "strangers leave no hints"
        );

        let (_, verdict) = handshake(&scene, hello(replica(1)), None).await;
        let expected = if policy == PeerPolicy::ProofRequired {
            RefusedFrame::MissingSecret
        } else {
            RefusedFrame::NotOpen
        };
        assert_eq!(code(&verdict), expected, "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_it_does_not_speak_is_refused_by_name() {
    let scene = scene(TestAdmission::new(replica(1))).await;
    let mut stream = dial(&scene).await;
    stream.write_all(&MAGIC).await.expect("written");
    say(
        &mut stream,
        &Frame::Hello(Hello {
            versions: (3, 9),
            ..hello(replica(1))
        }),
    )
    .await;
    assert_eq!(code(&hear(&mut stream).await), RefusedFrame::Version);
}

#[tokio::test(start_paused = true)]
async fn who_sends_http_reads_which_port_this_is() {
    let scene = scene(TestAdmission::new(replica(1))).await;
    for first in [
        &b"POST /cluster/identity HTTP/1.1\r\nHost: meta-1:8089\r\n\r\n{}"[..],
        b"\x16\x03\x01\x02\x00",
        b"\xC9IFM9999",
    ] {
        let mut stream = dial(&scene).await;
        stream.write_all(first).await.expect("written");
        assert_eq!(rest(&mut stream, Duration::from_millis(100)).await, BANNER);
    }
}

#[tokio::test(start_paused = true)]
async fn an_oversize_frame_is_refused_by_its_length_alone() {
    let scene = scene(TestAdmission::new(replica(1))).await;
    let mut stream = dial(&scene).await;
    stream.write_all(&MAGIC).await.expect("written");
    stream.write_u32(u32::MAX).await.expect("written");
    assert_eq!(
        rest(&mut stream, Duration::from_millis(100)).await,
        b"",
        "closed without waiting for it"
    );
}

#[tokio::test(start_paused = true)]
async fn the_slow_are_closed_and_do_not_keep_others_out() {
    let scene = scene(TestAdmission::new(replica(1))).await;
    let begun = Instant::now();
    let mut slow = Vec::new();
    // More connections than the listener handles at once, without the places of members: the oldest
    // make room.
    for n in 0..140 {
        slow.push(dial_and_stall(&scene, 2 + n % 5).await);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(closed(&mut slow).await, 140 - 48, "beyond the bound");
    for stream in &mut slow {
        assert_eq!(rest(stream, Duration::from_secs(6)).await, b"");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "all gone after {:?}",
        begun.elapsed()
    );
    let (_, verdict) = handshake(&scene, hello(replica(1)), None).await;
    assert_eq!(
        code(&verdict),
        RefusedFrame::NotOpen,
        "others are heard again"
    );
}

#[tokio::test(start_paused = true)]
async fn one_address_cannot_keep_the_others_out() {
    let scene = scene(TestAdmission::new(replica(1))).await;
    let mut slow = Vec::new();
    for _ in 0..140 {
        slow.push(dial_and_stall(&scene, 9).await);
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        closed(&mut slow).await,
        140 - 32,
        "beyond the bound of one address"
    );
    let begun = Instant::now();
    let (_, verdict) = handshake(&scene, hello(replica(1)), None).await;
    assert_eq!(code(&verdict), RefusedFrame::NotOpen, "a member is heard");
    assert!(
        begun.elapsed() < Duration::from_millis(50),
        "at once: {:?}",
        begun.elapsed()
    );
    // A connection that has ended frees its place.
    drop(slow);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(closed(&mut [dial_and_stall(&scene, 9).await]).await, 0);
}

/// Network whose listener fails with `kind`, `times` times before each connection that it accepts.
struct Failing {
    net: Arc<dyn Net>,
    kind: ErrorKind,
    times: usize,
}

struct FailingListener {
    inner: Box<dyn Listener>,
    kind: ErrorKind,
    times: usize,
    left: usize,
}

impl Net for Failing {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, LookupError>> {
        self.net.resolve(host, port)
    }

    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        self.net.dial(address)
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let (inner, kind, times) = (self.net.listen(address).await?, self.kind, self.times);
            Ok(Box::new(FailingListener {
                inner,
                kind,
                times,
                left: times,
            }) as Box<dyn Listener>)
        })
    }
}

impl Listener for FailingListener {
    fn local(&self) -> SocketAddr {
        self.inner.local()
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            if self.left > 0 {
                self.left -= 1;
                return Err(self.kind.into());
            }
            self.left = self.times;
            self.inner.accept().await
        })
    }
}

/// A port scan aborts thousands of connections before they are accepted: that costs no delay. Other
/// failures, such as too many open files, are retried with a delay.
#[tokio::test(start_paused = true)]
async fn connections_that_are_gone_delay_nobody() {
    for (kind, times, least, most) in [
        (ErrorKind::ConnectionAborted, 1000, 0, 50),
        (ErrorKind::OutOfMemory, 3, 300, 350),
    ] {
        let network = Network::new(
            Seeded::new(1),
            Duration::from_millis(1)..Duration::from_millis(2),
        );
        let net = Arc::new(Failing {
            net: network.host(ip(1)),
            kind,
            times,
        });
        let here = env(net, Seeded::new(2), Arc::new(disk::System::default()));
        let admission = Arc::new(TestAdmission::new(replica(1)));
        let begun = Instant::now();
        let transport = Transport::listen(&here, bind(1), admission)
            .await
            .expect("the port is free");
        let scene = Scene {
            transport,
            net: network.host(ip(2)),
            network,
        };
        let (_, verdict) = handshake(&scene, hello(replica(1)), None).await;
        assert_eq!(code(&verdict), RefusedFrame::NotOpen);
        let took = begun.elapsed();
        let expected = Duration::from_millis(least)..Duration::from_millis(most);
        assert!(expected.contains(&took), "{kind}: {took:?}");
    }
}

/// Version 2: whoever does not prove first learns nothing, and version 1 is refused where the
/// listener says so.
#[tokio::test(start_paused = true)]
async fn nothing_is_said_of_the_listener_before_the_proof() {
    let admission = TestAdmission {
        key: Some([1; 32]),
        policy: PeerPolicy::ProofRequired,
        oldest_version: 2,
        ..TestAdmission::new(replica(1))
    };
    let hints = admission.hints.clone();
    let scene = scene(admission).await;
    for (proofs, refusal) in [
        (vec![], RefusedFrame::MissingSecret),
        (vec![[0; 32], [1; 32]], RefusedFrame::WrongSecret),
    ] {
        let mut stream = dial(&scene).await;
        stream.write_all(&MAGIC).await.expect("written");
        let hello = Hello {
            versions: (1, 2),
            ..hello(replica(1))
        };
        say(&mut stream, &Frame::Hello(hello)).await;
        let Frame::Challenge(challenge) = hear(&mut stream).await else {
            panic!("no challenge")
        };
        assert_eq!(
            (challenge.version, challenge.callee, challenge.proof),
            (2, None, None)
        );
        assert_eq!(challenge.starts, Default::default());
        say(&mut stream, &Frame::Proofs(Proofs(proofs))).await;
        assert_eq!(code(&hear(&mut stream).await), refusal);
    }
    let mut stream = dial(&scene).await;
    stream.write_all(&MAGIC).await.expect("written");
    say(&mut stream, &Frame::Hello(hello(replica(1)))).await;
    assert_eq!(code(&hear(&mut stream).await), RefusedFrame::Version);
    assert_eq!(hints.lock().expect("not poisoned").len(), 0);
}
