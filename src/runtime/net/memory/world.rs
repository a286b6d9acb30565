//! State of the network between the hosts: names, listeners, cuts, and the pipes of the
//! connections.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::pipe::Connection;
use crate::runtime::Rng;

pub(super) struct World {
    rng: Arc<dyn Rng>,
    latency: Range<Duration>,
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
    pub(super) listeners: BTreeMap<SocketAddr, mpsc::UnboundedSender<Connection>>,
    pub(super) cuts: BTreeSet<(IpAddr, IpAddr)>,
    pub(super) pipes: BTreeMap<PipeId, Pipe>,
    last_pipe: u64,
    last_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PipeId(u64);

/// Half of a connection: one direction.
pub(super) struct Pipe {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    /// Chunks with their times of arrival. An empty chunk is the end of the stream.
    pub(super) chunks: VecDeque<(Instant, Bytes)>,
    pub(super) held: usize,
    pub(super) reset: bool,
    pub(super) writer_gone: bool,
    pub(super) reader_gone: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Pipe {
    pub(super) fn wake(&mut self) {
        self.reader
            .take()
            .into_iter()
            .chain(self.writer.take())
            .for_each(Waker::wake);
    }
}

impl World {
    pub(super) fn new(rng: Arc<dyn Rng>, latency: Range<Duration>) -> Self {
        Self {
            rng,
            latency,
            names: BTreeMap::new(),
            listeners: BTreeMap::new(),
            cuts: BTreeSet::new(),
            pipes: BTreeMap::new(),
            last_pipe: 0,
            last_port: FIRST_EPHEMERAL,
        }
    }

    pub(super) fn latency(&mut self) -> Duration {
        let spread = self
            .latency
            .end
            .saturating_sub(self.latency.start)
            .as_nanos() as u64;
        self.latency.start + Duration::from_nanos(self.rng.u64() % spread.max(1))
    }

    pub(super) fn next_port(&mut self) -> u16 {
        self.last_port = self.last_port.checked_add(1).unwrap_or(FIRST_EPHEMERAL);
        self.last_port
    }

    pub(super) fn open(&mut self, from: IpAddr, to: IpAddr) -> PipeId {
        self.last_pipe += 1;
        let pipe = Pipe {
            from,
            to,
            chunks: VecDeque::new(),
            held: 0,
            reset: false,
            writer_gone: false,
            reader_gone: false,
            reader: None,
            writer: None,
        };
        self.pipes.insert(PipeId(self.last_pipe), pipe);
        PipeId(self.last_pipe)
    }

    pub(super) fn is_cut(&self, from: IpAddr, to: IpAddr) -> bool {
        self.cuts.contains(&(from, to))
    }

    pub(super) fn is_cut_either_way(&self, a: IpAddr, b: IpAddr) -> bool {
        self.is_cut(a, b) || self.is_cut(b, a)
    }

    /// Queues a chunk behind those that were sent before it.
    pub(super) fn send(&mut self, id: PipeId, chunk: Bytes) {
        let due = Instant::now() + self.latency();
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return;
        };
        let after = pipe.chunks.back().map_or(due, |(last, _)| due.max(*last));
        pipe.held += chunk.len();
        pipe.chunks.push_back((after, chunk));
        pipe.reader.take().into_iter().for_each(Waker::wake);
    }

    pub(super) fn wake_between(&mut self, from: IpAddr, to: IpAddr) {
        self.pipes
            .values_mut()
            .filter(|p| p.from == from && p.to == to)
            .for_each(Pipe::wake);
    }

    pub(super) fn reset_between(&mut self, a: IpAddr, b: IpAddr) {
        let between = |p: &&mut Pipe| (p.from, p.to) == (a, b) || (p.from, p.to) == (b, a);
        for pipe in self.pipes.values_mut().filter(between) {
            pipe.reset = true;
            pipe.wake();
        }
    }

    pub(super) fn drop_if_unused(&mut self, id: PipeId) {
        if self
            .pipes
            .get(&id)
            .is_some_and(|p| p.reader_gone && p.writer_gone)
        {
            self.pipes.remove(&id);
        }
    }
}

const FIRST_EPHEMERAL: u16 = 32768;
