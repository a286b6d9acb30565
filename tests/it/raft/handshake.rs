//! Who is turned away at 8089, with which words, and what that costs the listener.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use influxdb_meta::base::{Address, ClusterId, Incarnation, RaftId};
use influxdb_meta::raft::{Replica, Transport};
use influxdb_meta::runtime::disk;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::net::{Net, Stream};
use influxdb_meta::wire::frames::{
    self, BANNER, Challenge, Frame, Hello, Lane, MAGIC, Proof, Refused, RefusedCode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::world::{Door, bind, env, ip, replica, starts};
use crate::seeded::Seeded;

/// Node 1 listens; we are host 2.
struct Scene {
    transport: Transport,
    net: Arc<dyn Net>,
}

async fn scene(door: Door) -> Scene {
    let network = Network::new(Seeded::new(1), Duration::from_millis(1)..Duration::from_millis(2));
    let here = env(network.host(ip(1)), Seeded::new(2), Arc::new(disk::System));
    let transport = Transport::listen(&here, bind(1), Arc::new(door)).await.expect("the port is free");
    Scene { transport, net: network.host(ip(2)) }
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
    scene.net.dial(scene.transport.local()).await.expect("it listens")
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

/// Everything until the other side closes; it must do so within `within`.
async fn rest(stream: &mut Box<dyn Stream>, within: Duration) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(within, stream.read_to_end(&mut bytes)).await.expect("closed in time").expect("closed cleanly");
    bytes
}

/// Says hello and proves as told; gives the challenge and what comes of it.
async fn knock(scene: &Scene, hello: Hello, proof: Option<[u8; 32]>) -> (Challenge, Frame) {
    let mut stream = dial(scene).await;
    stream.write_all(&MAGIC).await.expect("written");
    say(&mut stream, &Frame::Hello(hello)).await;
    let Frame::Challenge(challenge) = hear(&mut stream).await else { panic!("no challenge") };
    say(&mut stream, &Frame::Proof(Proof(proof))).await;
    let verdict = hear(&mut stream).await;
    assert_eq!(rest(&mut stream, Duration::from_secs(1)).await, b"", "closed after the refusal");
    (challenge, verdict)
}

fn code(verdict: &Frame) -> RefusedCode {
    let Frame::Refused(Refused { code, text }) = verdict else { panic!("not refused: {verdict:?}") };
    assert!(!text.is_empty(), "a refusal has words");
    *code
}

#[tokio::test(start_paused = true)]
async fn only_the_very_incarnation_that_is_meant_answers() {
    let scene = scene(Door::new(replica(1))).await;
    let me = replica(1);
    let others = [
        Replica { cluster_id: ClusterId([8; 16]), ..me },
        Replica { raft_id: RaftId(3), ..me },
        // A wiped volume under its old name: it must not vote for what it no longer knows.
        Replica { incarnation: Incarnation([9; 16]), ..me },
    ];
    for receiver in others {
        let (challenge, verdict) = knock(&scene, hello(receiver), None).await;
        assert_eq!(code(&verdict), RefusedCode::NotMe, "{receiver:?}");
        assert_eq!(challenge.callee, Some(me), "it says who it is instead");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_speaks_raft_before_it_is_open() {
    // A member whose Raft node has not admitted yet, and a node that is a member of nothing.
    let open_soon = Door::new(replica(1));
    let stranger = Door { me: None, ..open_soon.clone() };
    for door in [open_soon, stranger] {
        let (hints, before) = (door.hints.clone(), door.hints.lock().expect("not poisoned").len());
        let scene = scene(door).await;
        let (_, verdict) = knock(&scene, hello(replica(1)), None).await;
        assert_eq!(code(&verdict), RefusedCode::NotOpen);
        let after = hints.lock().expect("not poisoned").len();
        assert_eq!(after, before + 1, "the handshake was a hint");
    }
}

#[tokio::test(start_paused = true)]
async fn the_tombstoned_are_told_whomever_they_mean() {
    let door = Door { tombstoned: vec![replica(2).incarnation], ..Door::new(replica(1)) };
    let scene = scene(door).await;
    for receiver in [replica(1), replica(3)] {
        let (_, verdict) = knock(&scene, hello(receiver), None).await;
        assert_eq!(code(&verdict), RefusedCode::Tombstoned);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_proof_is_always_refused_and_a_missing_one_where_it_is_needed() {
    let with_key = Door { key: Some([1; 32]), ..Door::new(replica(1)) };
    for needs_proof in [false, true] {
        let door = Door { needs_proof, hints: Arc::default(), ..with_key.clone() };
        let hints = door.hints.clone();
        let scene = scene(door).await;
        let (challenge, verdict) = knock(&scene, hello(replica(1)), Some([0; 32])).await;
        assert_eq!(code(&verdict), RefusedCode::WrongSecret);
        // Its own proof, sent back at it: the direction is part of it.
        let (_, verdict) = knock(&scene, hello(replica(1)), challenge.proof).await;
        assert_eq!(code(&verdict), RefusedCode::WrongSecret);
        assert_eq!(hints.lock().expect("not poisoned").len(), 0, "strangers leave no hints");

        let (_, verdict) = knock(&scene, hello(replica(1)), None).await;
        let expected = if needs_proof { RefusedCode::MissingSecret } else { RefusedCode::NotOpen };
        assert_eq!(code(&verdict), expected, "needs_proof: {needs_proof}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_it_does_not_speak_is_refused_by_name() {
    let scene = scene(Door::new(replica(1))).await;
    let mut stream = dial(&scene).await;
    stream.write_all(&MAGIC).await.expect("written");
    say(&mut stream, &Frame::Hello(Hello { versions: (2, 9), ..hello(replica(1)) })).await;
    assert_eq!(code(&hear(&mut stream).await), RefusedCode::Version);
}

#[tokio::test(start_paused = true)]
async fn who_sends_http_reads_which_port_this_is() {
    let scene = scene(Door::new(replica(1))).await;
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
    let scene = scene(Door::new(replica(1))).await;
    let mut stream = dial(&scene).await;
    stream.write_all(&MAGIC).await.expect("written");
    stream.write_u32(u32::MAX).await.expect("written");
    assert_eq!(rest(&mut stream, Duration::from_millis(100)).await, b"", "closed without waiting for it");
}

#[tokio::test(start_paused = true)]
async fn the_slow_are_closed_and_do_not_keep_others_out() {
    let scene = scene(Door::new(replica(1))).await;
    let begun = Instant::now();
    let mut slow = Vec::new();
    // More than the listener lets in at once: those beyond are closed at once.
    for _ in 0..140 {
        let mut stream = dial(&scene).await;
        stream.write_all(&MAGIC[..3]).await.expect("written");
        slow.push(stream);
    }
    let mut closed = 0;
    for stream in &mut slow {
        let mut byte = [0];
        closed += usize::from(timeout(Duration::from_millis(1), stream.read(&mut byte)).await.is_ok());
    }
    assert_eq!(closed, 12, "beyond the bound");
    for stream in &mut slow {
        assert_eq!(rest(stream, Duration::from_secs(6)).await, b"");
    }
    assert!(begun.elapsed() < Duration::from_secs(7), "all gone after {:?}", begun.elapsed());
    let (_, verdict) = knock(&scene, hello(replica(1)), None).await;
    assert_eq!(code(&verdict), RefusedCode::NotOpen, "others are heard again");
}
