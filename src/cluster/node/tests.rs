//! The node's task on a disk that fails.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Address;
use crate::cluster::{
    Cluster, ClusterApi, ClusterConfig, ClusterError, Exchange, PeerRequest, PeerResponse,
    PollError,
};
use crate::raft::RaftConfig;
use crate::runtime::disk::{Fake, OpKind};
use crate::runtime::net::BoxFuture;
use crate::runtime::net::memory::Network;
use crate::runtime::{Env, SystemRng, Tasks};
use crate::storage::DataDir;
use crate::wire::api::Announcement;
use crate::wire::identity::Identity;

struct Alone;

impl Exchange for Alone {
    fn identity(
        &self,
        _: SocketAddr,
        _: &Address,
        _: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>> {
        Box::pin(async { Err(PollError::Refused) })
    }

    fn ask(&self, _: &Address, _: PeerRequest) -> BoxFuture<'_, Result<PeerResponse, PollError>> {
        Box::pin(async { Err(PollError::Refused) })
    }

    fn announce(&self, _: &Address, _: Announcement) -> BoxFuture<'_, Result<(), PollError>> {
        Box::pin(async { Ok(()) })
    }
}

fn config() -> ClusterConfig {
    ClusterConfig {
        peers: Vec::new(),
        bootstrap_expect: None,
        single_server: true,
        cluster_name: "demo".to_owned(),
        join_timeout: Duration::ZERO,
        hostname: Some("meta-1".to_owned()),
        system_host_name: "meta-1".to_owned(),
        http_bind: ":8091".to_owned(),
        raft_bind: ":8089".to_owned(),
        gossip_frequency: Duration::from_secs(5),
        announcement_expiration: Duration::from_secs(30),
        secret: None,
        requires_proof: false,
        secret_old: None,
        raft: RaftConfig {
            base: Duration::from_secs(1),
            retention_autocreate: true,
            catalog_quota: 256 << 20,
            snapshot_every_entries: 1000,
            snapshot_every_bytes: 1 << 20,
        },
        version: "1.12.4-c1.12.4".to_owned(),
    }
}

/// The log is open and initialised when `opened` cannot be written. A second attempt while the
/// process ends would have two Raft nodes write one log.
#[tokio::test(start_paused = true)]
async fn after_a_failed_write_nothing_is_opened_again() {
    let disk = Fake::new();
    let mut stored = 0;
    disk.fail_with(move |op| {
        let writes = matches!(op.kind, OpKind::Write { .. });
        let writes = writes && op.path.ends_with("influxd-meta/identity");
        stored += u32::from(writes);
        // Made fresh as a new file, then overwritten: started, opened.
        (writes && stored == 2).then_some(io::ErrorKind::StorageFull)
    });
    let here = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let network = Network::new(
        Arc::new(SystemRng),
        Duration::from_millis(1)..Duration::from_millis(2),
    );
    let env = Env {
        disk: Arc::new(disk.clone()),
        net: network.host(here),
        tasks: Tasks::inline(),
        ..Env::real()
    };
    let dir = DataDir::open(&env, Path::new("/meta")).expect("a new directory");
    let listen = SocketAddr::new(here, 8089);
    let cluster = Cluster::start(env.clone(), dir, config(), Arc::new(Alone), listen)
        .await
        .expect("started");

    let failed = tokio::time::timeout(Duration::from_secs(10), cluster.failed())
        .await
        .expect("it says so");
    assert!(matches!(failed, ClusterError::Io { .. }), "{failed}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(cluster.raft().is_err(), "opened again");
    env.tasks.kill();
}
