//! A name server whose answers a test decides: good ones, late ones, wrong ones, none. Over UDP and
//! TCP, on port 53 of a loopback address, so it needs root.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Interval at which the threads look whether the server was dropped.
const STOP_INTERVAL: Duration = Duration::from_millis(20);

/// Response codes.
pub const SERVFAIL: u8 = 2;
pub const NXDOMAIN: u8 = 3;
pub const REFUSED: u8 = 5;

/// Type of the records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    A,
    Aaaa,
    Other,
}

/// Answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These addresses, of the family that was asked for; without any: no such record.
    Addresses(Vec<IpAddr>),
    Code(u8),
    /// Nothing is sent.
    Silence,
    /// Over UDP a truncated message without records, over TCP these addresses.
    OnlyTcp(Vec<IpAddr>),
    /// The answer, after this time.
    Late(Duration, Box<Answer>),
}

impl Answer {
    pub fn address(ip: Ipv4Addr) -> Self {
        Self::Addresses(vec![ip.into()])
    }

    pub fn late(self, after: Duration) -> Self {
        Self::Late(after, Box::new(self))
    }
}

type Rule = dyn Fn(&str, Record) -> Answer + Send + Sync;

/// A running server; stopped when dropped.
pub struct DnsServer {
    pub ip: Ipv4Addr,
    asked: Arc<Mutex<Vec<(String, Record)>>>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    rule: Box<Rule>,
    asked: Arc<Mutex<Vec<(String, Record)>>>,
    stopped: Arc<AtomicBool>,
}

impl DnsServer {
    /// Starts a server that answers by this rule; names are in lower case.
    pub fn start(
        ip: Ipv4Addr,
        rule: impl Fn(&str, Record) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (asked, stopped) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let shared = Arc::new(Shared {
            rule: Box::new(rule),
            asked: Arc::clone(&asked),
            stopped: stopped.clone(),
        });
        let at = SocketAddr::from((ip, 53));
        let udp = UdpSocket::bind(at).expect("port 53 needs root");
        udp.set_read_timeout(Some(STOP_INTERVAL))
            .expect("a timeout");
        let tcp = TcpListener::bind(at).expect("port 53 needs root");
        tcp.set_nonblocking(true).expect("a listener");
        let other = shared.clone();
        let threads = vec![
            std::thread::spawn(move || serve_udp(&udp, &shared)),
            std::thread::spawn(move || serve_tcp(&tcp, &other)),
        ];
        Self {
            ip,
            asked,
            stopped,
            threads,
        }
    }

    /// Questions so far.
    pub fn asked(&self) -> Vec<(String, Record)> {
        self.asked.lock().expect("asked").clone()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Message to send for this query, and the delay before it.
    fn answer(&self, query: &[u8], tcp: bool) -> Option<(Duration, Vec<u8>)> {
        let (name, record, end) = question(query)?;
        self.asked
            .lock()
            .expect("asked")
            .push((name.clone(), record));
        let (mut delay, mut answer) = (Duration::ZERO, (self.rule)(&name, record));
        while let Answer::Late(after, then) = answer {
            delay += after;
            answer = *then;
        }
        let question = &query[12..end];
        let message = match answer {
            Answer::Silence | Answer::Late(..) => return None,
            Answer::Code(code) => message(query, question, false, code, &[]),
            Answer::OnlyTcp(_) if !tcp => message(query, question, true, 0, &[]),
            Answer::Addresses(ips) | Answer::OnlyTcp(ips) => {
                let is_asked = |ip: &&IpAddr| match record {
                    Record::A => ip.is_ipv4(),
                    Record::Aaaa => ip.is_ipv6(),
                    Record::Other => false,
                };
                let ips: Vec<IpAddr> = ips.iter().filter(is_asked).copied().collect();
                message(query, question, false, 0, &ips)
            }
        };
        Some((delay, message))
    }
}

/// Name and type of the first question, and where it ends.
fn question(query: &[u8]) -> Option<(String, Record, usize)> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let len = usize::from(*query.get(at)?);
        at += 1;
        if len == 0 {
            break;
        }
        let label = query.get(at..at + len)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += len;
    }
    let record = match query.get(at..at + 2)? {
        [0, 1] => Record::A,
        [0, 28] => Record::Aaaa,
        _ => Record::Other,
    };
    Some((labels.join("."), record, at + 4))
}

fn message(query: &[u8], question: &[u8], truncated: bool, code: u8, ips: &[IpAddr]) -> Vec<u8> {
    let flags = 0x81 | if truncated { 0x02 } else { 0 };
    let mut bytes = vec![query[0], query[1], flags, 0x80 | code];
    bytes.extend([0, 1, 0, ips.len() as u8, 0, 0, 0, 0]);
    bytes.extend(question);
    for ip in ips {
        let (record, data) = match ip {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (28, ip.octets().to_vec()),
        };
        // The name of the question, class IN, 1 s.
        bytes.extend([0xc0, 12, 0, record, 0, 1, 0, 0, 0, 1, 0, data.len() as u8]);
        bytes.extend(data);
    }
    bytes
}

fn serve_udp(socket: &UdpSocket, shared: &Arc<Shared>) {
    let mut bytes = [0; 1500];
    while !shared.is_stopped() {
        let Ok((len, from)) = socket.recv_from(&mut bytes) else {
            continue;
        };
        let Some((delay, message)) = shared.answer(&bytes[..len], false) else {
            continue;
        };
        let socket = socket.try_clone().expect("a socket");
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            let _gone = socket.send_to(&message, from);
        });
    }
}

fn serve_tcp(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.is_stopped() {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(STOP_INTERVAL);
            continue;
        };
        let shared = shared.clone();
        std::thread::spawn(move || drop(answer_tcp(stream, &shared)));
    }
}

fn answer_tcp(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut len = [0; 2];
    stream.read_exact(&mut len)?;
    let mut query = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut query)?;
    if let Some((delay, message)) = shared.answer(&query, true) {
        std::thread::sleep(delay);
        stream.write_all(&(message.len() as u16).to_be_bytes())?;
        stream.write_all(&message)?;
    }
    Ok(())
}
