//! Nodes that can be started, killed, cut off and replaced, in one thread under paused time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use influxdb_meta::auth::PeerPolicy;
use influxdb_meta::base::{Address, Incarnation, RaftId};
use influxdb_meta::machine::{Found, Founder, InternalCommand};
use influxdb_meta::raft::{
    AfterHandOver, HandshakeRefusal, OpenError, Raft, RaftConfig, RaftStatus, Replica, Role,
    Transport,
};
use influxdb_meta::runtime::disk::Fake;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::{Env, local};
use influxdb_meta::storage::{DataDir, Log, LogConfig, Snapshots};
use influxdb_meta::wire::envelope::Body;
use tokio::time::{Instant, timeout};

use super::world::{CLUSTER, Directory, RAFT_PORT, TestAdmission, env, incarnation, ip};
use crate::seeded::Seeded;

/// A member: its volume, and its process while one runs.
pub(super) struct Member {
    pub(super) raft_id: u64,
    pub(super) ip: IpAddr,
    pub(super) disk: Fake,
    pub(super) process: Option<Process>,
}

pub(super) struct Process {
    pub(super) env: Env,
    pub(super) raft: Raft,
    /// Refusals that this process got when it dialled others.
    pub(super) refusals: Shared<Vec<(RaftId, HandshakeRefusal)>>,
    /// Incarnations that this process heard on 8089, one entry for each report.
    pub(super) heard: Shared<Vec<Incarnation>>,
    _transport: Transport,
}

/// Options with which every node of a test is opened.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) snapshot_every: u64,
    pub(super) latency: std::ops::Range<Duration>,
    /// Keys of the shared secret, by Raft id.
    pub(super) keys: BTreeMap<u64, [u8; 32]>,
    pub(super) policy: PeerPolicy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            snapshot_every: 10_000,
            latency: Duration::from_micros(200)..Duration::from_millis(2),
            keys: BTreeMap::new(),
            policy: PeerPolicy::Open,
        }
    }
}

pub(super) struct Cluster {
    pub(super) network: Network,
    pub(super) rng: Arc<Seeded>,
    pub(super) members: BTreeMap<u64, Member>,
    /// Host of each Raft id, as the catalog would say.
    pub(super) directory: Directory,
    options: Options,
}

impl Cluster {
    /// Makes an empty cluster. It seeds this thread's randomness too: one cluster for each test
    /// thread.
    pub(super) fn new(seed: u64, options: Options) -> Self {
        let rng = Seeded::new(seed);
        local::seed(rng.clone());
        let network = Network::new(rng.clone(), options.latency.clone());
        Self {
            network,
            rng,
            members: BTreeMap::new(),
            directory: Directory::default(),
            options,
        }
    }

    /// Founds a cluster of members 1 to `count` and waits for a leader.
    pub(super) async fn founded(seed: u64, count: u64, options: Options) -> Self {
        let mut cluster = Self::new(seed, options);
        let founders: Vec<_> = (1..=count)
            .map(|id| (RaftId(id), incarnation(id)))
            .collect();
        for id in 1..=count {
            cluster.add(id, ip(id));
            let raft = cluster.open(id).await;
            raft.initialize(&founders).await.expect("an empty log");
            raft.admit();
        }
        let found = |id| Founder {
            incarnation: incarnation(id),
            http: Address::new(&format!("meta-{id}"), 8091),
            raft: Address::new(&format!("meta-{id}"), RAFT_PORT),
        };
        let found = Body::Internal(InternalCommand::Found(Found {
            cluster_id: CLUSTER,
            name: String::new(),
            founders: (1..=count).map(found).collect(),
            with_secret: false,
            feature_level: 1,
        }));
        let (_, leader) = cluster.leader(Duration::from_secs(5)).await;
        leader
            .propose(found, Instant::now() + Duration::from_secs(5))
            .await
            .expect("founded");
        cluster
    }

    /// Adds a new volume.
    pub(super) fn add(&mut self, raft_id: u64, ip: IpAddr) {
        self.directory.set(RaftId(raft_id), ip);
        self.members.insert(
            raft_id,
            Member {
                raft_id,
                ip,
                disk: Fake::new(),
                process: None,
            },
        );
    }

    /// Starts a process on the member's volume; it does not admit connections yet.
    pub(super) async fn open(&mut self, raft_id: u64) -> Raft {
        self.try_open(raft_id).await.expect("Raft opens")
    }

    pub(super) async fn try_open(&mut self, raft_id: u64) -> Result<Raft, OpenError> {
        // A start takes 5 ms; meanwhile the killed process releases what it held.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let options = self.options.clone();
        let member = self.members.get_mut(&raft_id).expect("a member");
        let env = env(
            self.network.host(member.ip),
            self.rng.clone(),
            Arc::new(member.disk.clone()),
        );
        let me = Replica {
            cluster_id: CLUSTER,
            raft_id: RaftId(raft_id),
            incarnation: incarnation(raft_id),
        };
        let (key, policy) = (options.keys.get(&raft_id).copied(), options.policy);
        let directory = Some(self.directory.clone());
        let admission = TestAdmission {
            directory,
            key,
            policy,
            ..TestAdmission::new(me)
        };
        let booted = env
            .tasks
            .killable(boot(env.clone(), me, member.ip, admission, options))
            .await;
        let process = booted.expect("nobody kills it here")?;
        let raft = process.raft.clone();
        member.process = Some(process);
        Ok(raft)
    }

    pub(super) async fn start(&mut self, raft_id: u64) -> Raft {
        let raft = self.open(raft_id).await;
        raft.admit();
        raft
    }

    /// Kills the process (SIGKILL): the page cache stays.
    pub(super) fn kill(&mut self, raft_id: u64) {
        let Some(member) = self.members.get_mut(&raft_id) else {
            return;
        };
        if let Some(process) = member.process.take() {
            process.env.tasks.kill();
        }
        member.disk = member.disk.after_kill();
    }

    /// Cuts the power: any part of what was not synced is lost.
    pub(super) fn pull_plug(&mut self, raft_id: u64) {
        self.kill(raft_id);
        let seed = self.rng.below(u64::MAX);
        let member = self.members.get_mut(&raft_id).expect("a member");
        member.disk = member.disk.after_power_loss(seed);
    }

    /// Stops the process (SIGTERM).
    pub(super) async fn stop(&mut self, raft_id: u64) {
        let Some(process) = self
            .members
            .get_mut(&raft_id)
            .and_then(|m| m.process.take())
        else {
            return;
        };
        let raft = process.raft.clone();
        let end = process.env.tasks.killable(async move {
            raft.hand_over(Duration::from_millis(500), AfterHandOver::Stopping)
                .await;
            raft.shutdown().await;
        });
        timeout(Duration::from_secs(5), end)
            .await
            .expect("it stops by itself");
        process.env.tasks.kill();
        let member = self.members.get_mut(&raft_id).expect("a member");
        member.disk = member.disk.after_kill();
    }

    pub(super) fn running(&self) -> Vec<u64> {
        self.members
            .values()
            .filter(|m| m.process.is_some())
            .map(|m| m.raft_id)
            .collect()
    }

    pub(super) fn raft(&self, raft_id: u64) -> Option<Raft> {
        Some(self.members.get(&raft_id)?.process.as_ref()?.raft.clone())
    }

    /// Waits for a leader that a majority of the running members follows.
    pub(super) async fn leader(&self, within: Duration) -> (u64, Raft) {
        let deadline = Instant::now() + within;
        loop {
            let statuses: Vec<_> = self
                .running()
                .into_iter()
                .filter_map(|id| self.status(id))
                .collect();
            for (id, status) in &statuses {
                let followers = statuses
                    .iter()
                    .filter(|(_, s)| s.leader == Some(RaftId(*id)))
                    .count();
                let fresh = statuses.iter().all(|(_, s)| s.term <= status.term);
                if status.role == Role::Leader && followers * 2 > statuses.len() && fresh {
                    return (*id, self.raft(*id).expect("it runs"));
                }
            }
            assert!(
                Instant::now() < deadline,
                "no leader within {within:?}: {statuses:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) fn status(&self, raft_id: u64) -> Option<(u64, RaftStatus)> {
        Some((raft_id, self.raft(raft_id)?.status()))
    }

    /// Cuts one direction, or both, between two hosts.
    pub(super) fn cut(&self, a: IpAddr, b: IpAddr, both: bool) {
        self.network.cut(a, b);
        if both {
            self.network.cut(b, a);
        }
    }

    /// Waits until these members have applied the same index, at least `at_least`.
    pub(super) async fn converged(&self, ids: &[u64], at_least: u64, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let applied: Vec<_> = ids
                .iter()
                .map(|id| self.raft(*id).map(|r| r.applied().borrow().last))
                .collect();
            let first = applied[0].flatten();
            if first.is_some_and(|id| id.index >= at_least)
                && applied.iter().all(|a| a.flatten() == first)
            {
                return;
            }
            let statuses: Vec<_> = ids.iter().filter_map(|id| self.status(*id)).collect();
            assert!(
                Instant::now() < deadline,
                "not converged within {within:?} on {at_least}: {statuses:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(super) async fn boot(
    env: Env,
    me: Replica,
    ip: IpAddr,
    admission: TestAdmission,
    options: Options,
) -> Result<Process, OpenError> {
    let dir = DataDir::open(&env, Path::new("/meta")).expect("the directory opens");
    let (snapshots, snapshot) =
        Snapshots::open(&env, &dir, me.incarnation).expect("the snapshots open");
    let last = snapshot.as_ref().and_then(|(header, _)| header.last);
    let small = LogConfig {
        segment_bytes: 32 << 10,
    };
    let log = Log::open_with(&env, &dir, me.incarnation, last, small).expect("the log opens");
    let config = RaftConfig {
        base: Duration::from_secs(1),
        retention_autocreate: true,
        catalog_quota: 256 << 20,
        snapshot_every_entries: options.snapshot_every,
        snapshot_every_bytes: 1 << 20,
    };
    // The identity would be stored beside the log: a log without one belongs to another program.
    dir.store(
        "identity",
        &Incarnation::to_string(&me.incarnation).into_bytes(),
    )
    .expect("stored");
    let (refusals, heard) = (admission.refusals.clone(), admission.heard.clone());
    let bind = std::net::SocketAddr::new(ip, RAFT_PORT);
    let transport = Transport::listen(&env, bind, Arc::new(admission))
        .await
        .expect("the port is free");
    let raft = Raft::open(&env, config, me, log, snapshots, snapshot, &transport).await?;
    Ok(Process {
        env,
        raft,
        refusals,
        heard,
        _transport: transport,
    })
}

/// Value shared between a test and its tasks.
pub(super) type Shared<T> = Arc<Mutex<T>>;
