//! A program that is no member and speaks 8089 as one: it knows the frames, and not the secret.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use influxdb_meta::base::{Address, Incarnation};
use influxdb_meta::wire::frames::{
    Challenge, Frame, Hello, LENGTH_BYTES, Lane, MAGIC, Proof, Proofs, RefusedFrame, Replica,
    decode, encode,
};
use influxdb_meta::wire::identity::{Identity, Starts};

use crate::harness::node::Node;

/// Limit for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection on which Raft may be spoken.
pub(super) struct Accepted(TcpStream);

/// End of a handshake.
pub(super) enum Verdict {
    Accepted(Accepted),
    Refused(RefusedFrame),
}

impl Verdict {
    pub(super) fn refusal(&self) -> Option<RefusedFrame> {
        match self {
            Self::Accepted(_) => None,
            Self::Refused(code) => Some(*code),
        }
    }
}

/// The replica that a node is. Read while anybody may ask.
#[track_caller]
pub(super) fn replica(node: &Node) -> Replica {
    let response = node.get("/cluster/identity").expect("an answer");
    let identity = Identity::decode(&response.body).expect("an identity");
    Replica {
        cluster_id: identity.cluster_id.expect("a member"),
        raft_id: identity.raft_id.expect("a member"),
        incarnation: identity.incarnation,
    }
}

/// Shakes hands without a proof, as a new incarnation with the Raft id of `sender`. Returns the
/// challenge, if there was one, and the verdict.
#[track_caller]
pub(super) fn knock(
    at: SocketAddr,
    versions: (u32, u32),
    sender: Replica,
    receiver: Replica,
) -> (Option<Challenge>, Verdict) {
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE).expect("8089 listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream.write_all(&MAGIC).expect("written");
    let hello = Hello {
        versions,
        lane: Lane::Control,
        sender: Replica {
            incarnation: Incarnation([0xee; 16]),
            ..sender
        },
        sender_http: Address::new("198.51.100.9", 8091),
        receiver,
        starts: Starts::default(),
        nonce: [7; 32],
    };
    say(&mut stream, &Frame::Hello(hello));
    let challenge = match hear(&mut stream) {
        Frame::Challenge(challenge) => challenge,
        Frame::Refused(refused) => return (None, Verdict::Refused(refused.code)),
        other => panic!("{other:?} instead of a challenge"),
    };
    let mut heard = if challenge.version == 1 {
        say(&mut stream, &Frame::Proof(Proof(None)));
        hear(&mut stream)
    } else {
        say(&mut stream, &Frame::Proofs(Proofs(Vec::new())));
        hear(&mut stream)
    };
    if let Frame::ListenerIdentity(_) = heard {
        heard = hear(&mut stream);
    }
    let verdict = match heard {
        Frame::Accepted => Verdict::Accepted(Accepted(stream)),
        Frame::Refused(refused) => Verdict::Refused(refused.code),
        other => panic!("{other:?} instead of a verdict"),
    };
    (Some(challenge), verdict)
}

impl Accepted {
    /// Sends an idle frame, and returns whether the connection is closed after it.
    pub(super) fn is_closed(&mut self) -> bool {
        let mut bytes = bytes::BytesMut::new();
        encode(&Frame::Idle, &mut bytes);
        if self.0.write_all(&bytes).is_err() {
            return true;
        }
        let short = Duration::from_millis(100);
        self.0.set_read_timeout(Some(short)).expect("set");
        matches!(self.0.read(&mut [0; 1]), Ok(0))
            || self.0.take_error().is_ok_and(|error| error.is_some())
    }
}

fn say(stream: &mut TcpStream, frame: &Frame) {
    let mut bytes = bytes::BytesMut::new();
    encode(frame, &mut bytes);
    stream.write_all(&bytes).expect("written");
}

#[track_caller]
fn hear(stream: &mut TcpStream) -> Frame {
    let mut length = [0; LENGTH_BYTES];
    stream.read_exact(&mut length).expect("a frame");
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).expect("a whole frame");
    decode(body.into()).expect("a frame that is known")
}
