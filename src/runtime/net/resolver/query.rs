//! Asks a name server one question, over UDP, or over TCP when the answer is truncated.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::runtime::net::ServerFailure;
use crate::runtime::rng::{Rng, SystemRng};

/// Maximum size of a datagram that is read. Without EDNS a server sends at most 512 bytes.
const MAX_DATAGRAM_BYTES: usize = 4096;

/// Family of the addresses that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    fn record(self) -> TYPE {
        match self {
            Self::V4 => TYPE::A,
            Self::V6 => TYPE::AAAA,
        }
    }
}

/// How a server is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Timeout for the answer, TCP after a truncated one included.
    pub(super) timeout: Duration,
    /// Use TCP from the beginning (`options use-vc`).
    pub(super) tcp: bool,
}

/// Addresses of this family that the server gives for this name, which is not completed any more.
/// Empty: the name does not exist, or has none.
///
/// # Errors
/// The server gave no usable answer.
pub(super) async fn ask(
    server: SocketAddr,
    name: &str,
    family: Family,
    manner: Manner,
) -> Result<Vec<IpAddr>, ServerFailure> {
    let mut id = [0; 2];
    SystemRng.fill(&mut id);
    let query = Query {
        id: u16::from_be_bytes(id),
        name: Name::new(name).map_err(|_| ServerFailure::Unreadable)?,
        family,
    };
    let answered = tokio::time::timeout(manner.timeout, query.send(server, manner.tcp)).await;
    answered.unwrap_or(Err(ServerFailure::Timeout))
}

struct Query<'a> {
    id: u16,
    name: Name<'a>,
    family: Family,
}

/// Meaning of a message for a query.
enum Reading {
    /// The message answers another question, or is none.
    NotOurs,
    Truncated,
    Answer(Result<Vec<IpAddr>, ServerFailure>),
}

impl Query<'_> {
    async fn send(&self, server: SocketAddr, tcp: bool) -> Result<Vec<IpAddr>, ServerFailure> {
        if !tcp && let Some(answer) = unless_io(self.over_udp(server)).await? {
            return answer;
        }
        unless_io(self.over_tcp(server)).await?
    }

    fn message(&self) -> io::Result<Vec<u8>> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let record = QTYPE::TYPE(self.family.record());
        let class = QCLASS::CLASS(CLASS::IN);
        let question = Question::new(self.name.clone(), record, class, false);
        packet.questions.push(question);
        packet.build_bytes_vec().map_err(io::Error::other)
    }

    /// `None`: the answer is truncated.
    async fn over_udp(
        &self,
        server: SocketAddr,
    ) -> io::Result<Option<Result<Vec<IpAddr>, ServerFailure>>> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // A port of its own for each question: a guessed answer needs the port and the id.
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(server).await?;
        socket.send(&self.message()?).await?;
        let mut bytes = vec![0; MAX_DATAGRAM_BYTES];
        loop {
            let len = socket.recv(&mut bytes).await?;
            match self.read(&bytes[..len]) {
                Reading::NotOurs => {}
                Reading::Truncated => return Ok(None),
                Reading::Answer(answer) => return Ok(Some(answer)),
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is a part of the network that all others use"
    )]
    async fn over_tcp(&self, server: SocketAddr) -> io::Result<Result<Vec<IpAddr>, ServerFailure>> {
        let message = self.message()?;
        let mut stream = TcpStream::connect(server).await?;
        let len = u16::try_from(message.len()).map_err(io::Error::other)?;
        stream
            .write_all(&[&len.to_be_bytes()[..], &message].concat())
            .await?;
        let len = stream.read_u16().await?;
        let mut bytes = vec![0; usize::from(len)];
        stream.read_exact(&mut bytes).await?;
        Ok(match self.read(&bytes) {
            Reading::Answer(answer) => answer,
            Reading::NotOurs | Reading::Truncated => Err(ServerFailure::Unreadable),
        })
    }

    fn read(&self, bytes: &[u8]) -> Reading {
        let Ok(packet) = Packet::parse(bytes) else {
            return self.read_head(bytes);
        };
        let is_response = packet.has_flags(PacketFlag::RESPONSE);
        // Servers that refuse may leave the question out.
        let is_same = |asked: &Question<'_>| {
            same_name(&asked.qname, &self.name) && asked.qtype == QTYPE::TYPE(self.family.record())
        };
        let fits = packet.questions.iter().all(is_same)
            && (!packet.questions.is_empty() || packet.rcode() != RCODE::NoError);
        if packet.id() != self.id || !is_response || !fits {
            return Reading::NotOurs;
        }
        if packet.has_flags(PacketFlag::TRUNCATION) {
            return Reading::Truncated;
        }
        Reading::Answer(match packet.rcode() {
            RCODE::NoError => Ok(self.addresses(&packet)),
            RCODE::NameError => Ok(Vec::new()),
            RCODE::FormatError => Err(ServerFailure::Code("FORMERR")),
            RCODE::ServerFailure => Err(ServerFailure::Code("SERVFAIL")),
            RCODE::NotImplemented => Err(ServerFailure::Code("NOTIMP")),
            RCODE::Refused => Err(ServerFailure::Code("REFUSED")),
            _ => Err(ServerFailure::Code("an unusual error code")),
        })
    }

    /// Reads a message whose records cannot be read: a truncated one may end within a record.
    fn read_head(&self, bytes: &[u8]) -> Reading {
        let Some([id_high, id_low, flags]) = bytes.first_chunk::<3>() else {
            return Reading::NotOurs;
        };
        let is_response = flags & 0x80 != 0;
        if u16::from_be_bytes([*id_high, *id_low]) != self.id || !is_response {
            Reading::NotOurs
        } else if flags & 0x02 != 0 {
            Reading::Truncated
        } else {
            Reading::Answer(Err(ServerFailure::Unreadable))
        }
    }

    /// Addresses of this family in the answer. A recursive server sends aliases (CNAME) with the
    /// addresses that they lead to.
    fn addresses(&self, packet: &Packet<'_>) -> Vec<IpAddr> {
        let address = |record: &RData<'_>| match (record, self.family) {
            (RData::A(a), Family::V4) => Some(Ipv4Addr::from(a.address).into()),
            (RData::AAAA(aaaa), Family::V6) => Some(Ipv6Addr::from(aaaa.address).into()),
            _ => None,
        };
        packet
            .answers
            .iter()
            .filter_map(|record| address(&record.rdata))
            .collect()
    }
}

fn same_name(one: &Name<'_>, other: &Name<'_>) -> bool {
    let (mut ones, mut others) = (one.as_bytes(), other.as_bytes());
    loop {
        match (ones.next(), others.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
            _ => return false,
        }
    }
}

async fn unless_io<T>(asked: impl Future<Output = io::Result<T>>) -> Result<T, ServerFailure> {
    asked.await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => ServerFailure::Io("connection refused".to_owned()),
        _ => ServerFailure::Io(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str) -> Query<'_> {
        Query {
            id: 7,
            name: Name::new(name).expect("a name"),
            family: Family::V4,
        }
    }

    #[test]
    fn an_answer_to_another_question_is_passed_over() {
        let asked = query("meta-1.test");
        let mut reply = asked.message().expect("encodes");
        assert!(matches!(asked.read(&reply), Reading::NotOurs), "a question");
        reply[2] |= 0x80;
        assert!(matches!(asked.read(&reply), Reading::Answer(Ok(a)) if a.is_empty()));
        assert!(matches!(
            query("META-1.test").read(&reply),
            Reading::Answer(Ok(_))
        ));
        assert!(matches!(
            query("meta-2.test").read(&reply),
            Reading::NotOurs
        ));
        let other = Query {
            id: 8,
            ..query("meta-1.test")
        };
        assert!(matches!(other.read(&reply), Reading::NotOurs));
        let v6 = Query {
            family: Family::V6,
            ..query("meta-1.test")
        };
        assert!(matches!(v6.read(&reply), Reading::NotOurs));
    }

    #[test]
    fn codes_are_failures_of_the_server_and_nxdomain_is_none() {
        let asked = query("meta-1.test");
        let mut reply = asked.message().expect("encodes");
        reply[2] |= 0x80;
        for (code, failure) in [
            (1, "FORMERR"),
            (2, "SERVFAIL"),
            (4, "NOTIMP"),
            (5, "REFUSED"),
        ] {
            reply[3] = code;
            assert!(matches!(
                asked.read(&reply),
                Reading::Answer(Err(ServerFailure::Code(text))) if text == failure
            ));
        }
        reply[3] = 3;
        assert!(matches!(asked.read(&reply), Reading::Answer(Ok(a)) if a.is_empty()));
        reply[2] |= 0x02;
        assert!(matches!(asked.read(&reply), Reading::Truncated));
        assert!(
            matches!(asked.read(&reply[..14]), Reading::Truncated),
            "cut in a record"
        );
    }

    #[test]
    fn noise_never_panics() {
        let asked = query("meta-1.test");
        let mut reply = asked.message().expect("encodes");
        reply[2] |= 0x80;
        for at in 0..reply.len() {
            for value in 0..=255 {
                let mut bad = reply.clone();
                bad[at] = value;
                asked.read(&bad);
                asked.read(&bad[..at]);
            }
        }
    }
}
