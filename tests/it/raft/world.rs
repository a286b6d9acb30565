//! Parts of a simulated node besides its Raft: its identity, its admission, its address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use crate::seeded::Seeded;
use influxdb_meta::auth::proof::PeerKey;
use influxdb_meta::auth::{PeerKeys, PeerPolicy};
use influxdb_meta::base::{Address, ClusterId, Incarnation, RaftId, StartId, UnixNanos};
use influxdb_meta::raft::{Admission, HandshakeRefusal, Hello, Replica};
use influxdb_meta::runtime::{Clock, Disk, Env, Net, Tasks};
use influxdb_meta::wire::identity::Starts;
use tokio::time::Instant;

pub(super) const RAFT_PORT: u16 = 8089;
pub(super) const CLUSTER: ClusterId = ClusterId([7; 16]);

/// Wall clock that advances with tokio's paused time.
pub(super) struct Ticking(pub(super) Instant);

impl Clock for Ticking {
    fn now(&self) -> UnixNanos {
        UnixNanos(1_700_000_000_000_000_000 + self.0.elapsed().as_nanos() as i64)
    }
}

pub(super) fn env(net: Arc<dyn Net>, rng: Arc<Seeded>, disk: Arc<dyn Disk>) -> Env {
    Env {
        clock: Arc::new(Ticking(Instant::now())),
        rng,
        net,
        disk,
        tasks: Tasks::inline(),
    }
}

pub(super) fn ip(raft_id: u64) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, raft_id as u8))
}

pub(super) fn bind(raft_id: u64) -> SocketAddr {
    SocketAddr::new(ip(raft_id), RAFT_PORT)
}

pub(super) fn incarnation(raft_id: u64) -> Incarnation {
    Incarnation([raft_id as u8; 16])
}

pub(super) fn replica(raft_id: u64) -> Replica {
    Replica {
        cluster_id: CLUSTER,
        raft_id: RaftId(raft_id),
        incarnation: incarnation(raft_id),
    }
}

/// Raft id → host.
#[derive(Clone, Default)]
pub(super) struct Directory(Arc<Mutex<BTreeMap<RaftId, IpAddr>>>);

impl Directory {
    pub(super) fn set(&self, raft_id: RaftId, ip: IpAddr) {
        self.0
            .lock()
            .expect("no panic while held")
            .insert(raft_id, ip);
    }

    fn get(&self, raft_id: RaftId) -> Option<IpAddr> {
        self.0
            .lock()
            .expect("no panic while held")
            .get(&raft_id)
            .copied()
    }
}

/// Admission of every sender that means this node, except those that a test forbids.
#[derive(Clone)]
pub(super) struct TestAdmission {
    pub(super) me: Option<Replica>,
    /// Hosts of members. Without it, member n is at host n.
    pub(super) directory: Option<Directory>,
    pub(super) key: Option<[u8; 32]>,
    pub(super) policy: PeerPolicy,
    pub(super) oldest_version: u32,
    pub(super) tombstoned: Vec<Incarnation>,
    pub(super) heard: Arc<Mutex<Vec<Incarnation>>>,
    pub(super) hints: Arc<Mutex<Vec<(Hello, IpAddr)>>>,
    pub(super) refusals: Arc<Mutex<Vec<(RaftId, HandshakeRefusal)>>>,
}

impl TestAdmission {
    pub(super) fn new(me: Replica) -> Self {
        Self {
            me: Some(me),
            directory: None,
            key: None,
            policy: PeerPolicy::Open,
            oldest_version: 1,
            tombstoned: Vec::new(),
            heard: Arc::default(),
            hints: Arc::default(),
            refusals: Arc::default(),
        }
    }
}

pub(super) fn starts() -> Starts {
    Starts {
        counter: 3,
        ids: vec![StartId([1; 8]), StartId([2; 8]), StartId([3; 8])],
        durable_seq: 9,
    }
}

impl Admission for TestAdmission {
    fn admit(&self, hello: &Hello, from: IpAddr) -> Result<(), HandshakeRefusal> {
        self.hints
            .lock()
            .expect("no panic while held")
            .push((hello.clone(), from));
        // First: a tombstoned sender gets that answer, also where the receiver's fields do not
        // match.
        if self.tombstoned.contains(&hello.sender.incarnation) {
            return Err(HandshakeRefusal::Tombstoned);
        }
        match self.me {
            None => Err(HandshakeRefusal::NotOpen),
            Some(me) if me != hello.receiver => Err(HandshakeRefusal::NotMe),
            Some(_) => Ok(()),
        }
    }

    fn me(&self) -> Option<(Replica, Address, Starts)> {
        self.me.map(|me| {
            (
                me,
                Address::new(&ip(me.raft_id.0).to_string(), 8091),
                starts(),
            )
        })
    }

    fn addresses(&self, raft_id: RaftId) -> Vec<Address> {
        let host = match &self.directory {
            None => Some(ip(raft_id.0)),
            Some(directory) => directory.get(raft_id),
        };
        host.map(|host| Address::new(&host.to_string(), RAFT_PORT))
            .into_iter()
            .collect()
    }

    fn heard(&self, incarnation: Incarnation) {
        self.heard
            .lock()
            .expect("no panic while held")
            .push(incarnation);
    }

    fn refused(&self, callee: &Replica, refusal: &HandshakeRefusal) {
        self.refusals
            .lock()
            .expect("no panic while held")
            .push((callee.raft_id, refusal.clone()));
    }

    fn peer_keys(&self) -> Option<PeerKeys> {
        let keys = |key| PeerKeys::single(PeerKey::from_bytes(key));
        self.key.map(keys)
    }

    fn oldest_version(&self) -> u32 {
        self.oldest_version
    }

    fn policy(&self) -> PeerPolicy {
        self.policy
    }
}
