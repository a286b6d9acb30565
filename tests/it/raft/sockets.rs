//! The same over real sockets and threads, for what simulations cannot show.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use influxdb_meta::auth::{PeerKeys, PeerPolicy};
use influxdb_meta::base::{Address, Incarnation, RaftId};
use influxdb_meta::machine::{Found, Founder, InternalCommand, Outcome};
use influxdb_meta::raft::{
    Admission, AfterHandOver, HandOver, HandshakeRefusal, Hello, Raft, RaftConfig, Replica, Role,
    Transport,
};
use influxdb_meta::runtime::{Env, disk::Fake};
use influxdb_meta::storage::{DataDir, Log, Snapshots};
use influxdb_meta::wire::{envelope::Body, identity::Starts};
use tokio::time::Instant;

use super::basics::create;
use super::world::{CLUSTER, TestAdmission, incarnation, replica};

/// Like [`TestAdmission`], but each member listens on a port of its own.
struct Ports {
    admission: TestAdmission,
    ports: Arc<Mutex<BTreeMap<RaftId, SocketAddr>>>,
}

impl Admission for Ports {
    fn admit(&self, hello: &Hello, from: IpAddr) -> Result<(), HandshakeRefusal> {
        self.admission.admit(hello, from)
    }
    fn me(&self) -> Option<(Replica, Address, Starts)> {
        self.admission.me()
    }
    fn addresses(&self, raft_id: RaftId) -> Vec<Address> {
        let port = self
            .ports
            .lock()
            .expect("sound")
            .get(&raft_id)
            .map(SocketAddr::port);
        // A second address where nothing listens: all addresses are tried.
        let dead = Address::new("127.0.0.1", 1);
        port.map(|port| Address::new("localhost", port))
            .into_iter()
            .chain([dead])
            .collect()
    }
    fn heard(&self, incarnation: Incarnation) {
        self.admission.heard(incarnation);
    }
    fn peer_keys(&self) -> Option<PeerKeys> {
        self.admission.peer_keys()
    }
    fn policy(&self) -> PeerPolicy {
        self.admission.policy()
    }
}

async fn boot(id: u64, ports: Arc<Mutex<BTreeMap<RaftId, SocketAddr>>>) -> Raft {
    let env = Env {
        disk: Arc::new(Fake::new()),
        ..Env::real()
    };
    let dir = DataDir::open(&env, Path::new("/meta")).expect("a new directory");
    let (snapshots, snapshot) = Snapshots::open(&env, &dir, incarnation(id)).expect("no snapshots");
    let log = Log::open(&env, &dir, incarnation(id), None).expect("a new log");
    let admission = TestAdmission {
        key: Some([1; 32]),
        policy: PeerPolicy::ProofRequired,
        ..TestAdmission::new(replica(id))
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let admission = Arc::new(Ports {
        admission,
        ports: ports.clone(),
    });
    let transport = Transport::listen(&env, any, admission)
        .await
        .expect("a free port");
    ports
        .lock()
        .expect("sound")
        .insert(RaftId(id), transport.local());
    let config = RaftConfig {
        // Long, so that a loaded machine does not cause elections.
        base: Duration::from_secs(4),
        retention_autocreate: true,
        catalog_quota: 256 << 20,
        snapshot_every_entries: 500,
        snapshot_every_bytes: 1 << 20,
    };
    Raft::open(
        &env,
        config,
        replica(id),
        log,
        snapshots,
        snapshot,
        &transport,
    )
    .await
    .expect("Raft opens")
}

async fn leader(rafts: &[Raft]) -> Raft {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(raft) = rafts.iter().find(|raft| raft.status().role == Role::Leader) {
            return raft.clone();
        }
        assert!(Instant::now() < deadline, "no leader");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_members_over_tcp_take_many_writers_and_a_hand_over() {
    let ports = Arc::default();
    let founders: Vec<_> = [1, 2, 3].map(|id| (RaftId(id), incarnation(id))).into();
    let mut rafts = Vec::new();
    for id in [1, 2, 3] {
        let raft = boot(id, Arc::clone(&ports)).await;
        raft.initialize(&founders).await.expect("an empty log");
        raft.admit();
        rafts.push(raft);
    }
    let soon = || Instant::now() + Duration::from_secs(20);
    let address = |id| Address::new(&format!("meta-{id}"), 8091);
    let founder = |id| Founder {
        incarnation: incarnation(id),
        http: address(id),
        raft: address(id),
    };
    let found = Found {
        cluster_id: CLUSTER,
        name: String::new(),
        founders: [1, 2, 3].map(founder).into(),
        with_secret: true,
        feature_level: 1,
    };
    let first = leader(&rafts).await;
    first
        .propose(Body::Internal(InternalCommand::Found(found)), soon())
        .await
        .expect("founded");

    let writer = |n: u64| {
        let raft = first.clone();
        async move {
            for k in 0..25 {
                let outcome = raft.propose(create(&format!("w{n}-{k}")), soon()).await;
                assert!(
                    matches!(outcome, Ok(Outcome::Applied { .. })),
                    "{outcome:?}"
                );
            }
        }
    };
    join_all((0..64).map(writer)).await;
    first.barrier(soon()).await.expect("a linearizable read");
    assert_eq!(
        first
            .hand_over(Duration::from_secs(5), AfterHandOver::Stopping)
            .await,
        HandOver::Done
    );
    let second = leader(&rafts).await;
    second
        .propose(create("after"), soon())
        .await
        .expect("acknowledged");
    let last = second.applied().borrow().last.expect("applied");
    for raft in &rafts {
        let mut applied = raft.applied();
        let there = applied.wait_for(|applied| applied.last >= Some(last));
        let applied = tokio::time::timeout(Duration::from_secs(20), there)
            .await
            .expect("in time");
        assert_eq!(applied.expect("runs").catalog.databases.len(), 64 * 25 + 1);
    }
    for raft in &rafts {
        raft.shutdown().await;
    }
}
