//! Whole nodes without HTTP: cluster, Raft and storage over a network and disks in memory, in one
//! thread under paused time. Requests between nodes are single frames with a latency.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::line::{self, Line};
use crate::seeded::Seeded;
use influxdb_meta::base::{Address, Name, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::cluster::{Cluster, ClusterApi, ClusterConfig, ClusterError, View};
use influxdb_meta::machine::{Command, Outcome, WireCommand};
use influxdb_meta::raft::{ProposeError, RaftConfig, RaftStatus, Role};
use influxdb_meta::runtime::disk::Fake;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::{Clock, Disk, Env, Rng, Tasks, local};
use influxdb_meta::storage::DataDir;
use influxdb_meta::wire::envelope::Body;
use influxdb_meta::wire::identity::Phase;
use tokio::time::{Instant, sleep};

/// Data directory of each node, on its own disk.
pub(super) const DIR: &str = "/data";

pub(super) struct Sim {
    pub(super) network: Network,
    pub(super) rng: Arc<Seeded>,
    pub(super) nodes: Vec<Node>,
    began: Instant,
}

pub(super) struct Node {
    pub(super) ip: IpAddr,
    pub(super) config: ClusterConfig,
    pub(super) disk: Fake,
    /// Seconds by which its wall clock is ahead of the others'.
    pub(super) clock_offset: Arc<AtomicI64>,
    pub(super) process: Option<Process>,
}

pub(super) struct Process {
    tasks: Tasks,
    pub(super) cluster: Cluster,
}

impl Sim {
    /// Makes so many founders; none of them runs. It seeds this thread's randomness too: one
    /// simulation at a time in a thread.
    pub(super) fn new(seed: u64, founders: usize) -> Self {
        let rng = Seeded::new(seed);
        local::seed(rng.clone());
        // Each user of randomness has a stream of its own. Otherwise two draws at the same instant
        // would depend on their order, which tokio's scheduling (random among the waiters of one
        // `watch`) leaves open.
        let latency = Duration::from_millis(1)..Duration::from_nanos(1_000_001);
        let network = Network::new(Seeded::new(seed), latency);
        let peers: Vec<Address> = (0..founders)
            .map(|n| Address::new(&host(n), 8091))
            .collect();
        let node = |n| {
            network.name(&host(n), &[ip(n)]);
            Node {
                ip: ip(n),
                config: config(&peers, n),
                disk: Fake::new(),
                clock_offset: Arc::default(),
                process: None,
            }
        };
        let nodes = (0..founders).map(node).collect();
        Self {
            network,
            rng,
            nodes,
            began: Instant::now(),
        }
    }

    /// Adds one more node under the next name, with the same list as the others and this change of
    /// the configuration. It does not run yet.
    pub(super) fn add(&mut self, change: impl FnOnce(&mut ClusterConfig)) -> usize {
        let n = self.nodes.len();
        self.network.name(&host(n), &[ip(n)]);
        let mut config = ClusterConfig {
            peers: self.nodes[0].config.peers.clone(),
            ..config(&[], n)
        };
        config.hostname = Some(host(n));
        change(&mut config);
        self.nodes.push(Node {
            ip: ip(n),
            config,
            disk: Fake::new(),
            clock_offset: Arc::default(),
            process: None,
        });
        n
    }

    pub(super) async fn start(&mut self, n: usize) {
        self.try_start(n).await.expect("the node starts");
    }

    pub(super) async fn start_all(&mut self) {
        for n in 0..self.nodes.len() {
            self.start(n).await;
        }
    }

    pub(super) async fn try_start(&mut self, n: usize) -> Result<(), ClusterError> {
        // A start takes 5 ms; meanwhile the killed process releases what it held.
        sleep(Duration::from_millis(5)).await;
        let node = &self.nodes[n];
        let tasks = Tasks::inline();
        let env = Env {
            clock: Arc::new(Ticking(self.began, node.clock_offset.clone())),
            rng: Seeded::new(self.rng.u64()),
            net: self.network.host(node.ip),
            disk: Arc::new(node.disk.clone()),
            tasks: tasks.clone(),
        };
        let exchange = Arc::new(Line::new(env.net.clone()));
        let (config, ip) = (node.config.clone(), node.ip);
        let starting = async move {
            let dir = DataDir::open(&env, Path::new(DIR)).expect("the directory opens");
            let bind = SocketAddr::new(ip, 8089);
            let cluster = Cluster::start(env.clone(), dir, config, exchange, bind).await?;
            line::serve(&env, SocketAddr::new(ip, 8091), cluster.clone()).await;
            Ok(cluster)
        };
        let cluster = tasks
            .killable(starting)
            .await
            .expect("not killed meanwhile")?;
        self.nodes[n].process = Some(Process { tasks, cluster });
        Ok(())
    }

    /// Kills the process (SIGKILL): the page cache survives.
    pub(super) fn kill(&mut self, n: usize) {
        self.end(n);
        self.nodes[n].disk = self.nodes[n].disk.after_kill();
    }

    /// Cuts the power: some of the writes that were not synced are lost.
    pub(super) fn power_off(&mut self, n: usize) {
        self.end(n);
        self.nodes[n].disk = self.nodes[n].disk.after_power_loss(self.rng.u64());
    }

    pub(super) fn wipe(&mut self, n: usize) {
        self.end(n);
        self.nodes[n].disk = Fake::new();
    }

    /// Stops the process (SIGTERM) and returns how long that took.
    pub(super) async fn stop(&mut self, n: usize) -> Duration {
        let begun = Instant::now();
        self.cluster(n).stop().await;
        let took = begun.elapsed();
        self.kill(n);
        took
    }

    fn end(&mut self, n: usize) {
        if let Some(process) = self.nodes[n].process.take() {
            process.tasks.kill();
        }
    }

    /// Deletes every file of the log, as an operator might to cure a damaged one.
    pub(super) fn delete_log(&self, n: usize) {
        let (disk, wal) = (&self.nodes[n].disk, Path::new(DIR).join("influxd-meta/wal"));
        for name in disk.list(&wal).expect("a folder") {
            disk.remove_file(&wal.join(name)).expect("removed");
        }
        disk.sync_dir(&wal).expect("synced");
    }

    pub(super) fn cluster(&self, n: usize) -> &Cluster {
        &self.nodes[n].process.as_ref().expect("it runs").cluster
    }

    pub(super) fn view(&self, n: usize) -> Arc<View> {
        self.cluster(n).view()
    }

    pub(super) fn status(&self, n: usize) -> Option<RaftStatus> {
        let process = self.nodes[n].process.as_ref()?;
        process.cluster.raft().ok().map(|raft| raft.status())
    }

    pub(super) fn catalog(&self, n: usize) -> Option<Catalog> {
        let raft = self.cluster(n).raft().ok()?;
        let applied = raft.applied().borrow().clone();
        Some(applied.catalog.clone())
    }

    /// Running node that leads, if one does.
    pub(super) fn leader(&self) -> Option<usize> {
        (0..self.nodes.len()).find(|n| {
            self.status(*n)
                .is_some_and(|status| status.role == Role::Leader && status.leader.is_some())
        })
    }

    /// Whether all running nodes follow one leader, with a founded catalog.
    pub(super) fn is_formed(&self) -> bool {
        let running: Vec<usize> = (0..self.nodes.len())
            .filter(|n| self.nodes[*n].process.is_some())
            .collect();
        let leaders: Vec<_> = running
            .iter()
            .map(|n| self.status(*n).and_then(|s| s.leader))
            .collect();
        let founded = |n: &usize| {
            self.catalog(*n)
                .is_some_and(|catalog| catalog.cluster.is_some())
        };
        leaders[0].is_some()
            && leaders.iter().all(|l| *l == leaders[0])
            && running.iter().all(founded)
    }

    /// Whether these nodes, and no others, are members in the catalogs of all of them, and all but
    /// the learners vote.
    pub(super) fn are_members(&self, nodes: &[usize]) -> bool {
        let incarnations = || {
            nodes
                .iter()
                .map(|n| self.view(*n).incarnation)
                .collect::<BTreeSet<_>>()
        };
        let agrees = |n: &usize| {
            let Some(catalog) = self.catalog(*n) else {
                return false;
            };
            let listed: BTreeSet<_> = catalog
                .meta_nodes
                .values()
                .map(|node| node.incarnation)
                .collect();
            let raft_ids: BTreeSet<_> = catalog
                .meta_nodes
                .values()
                .map(|node| node.raft_id)
                .collect();
            let status = self.status(*n).expect("open");
            let followed: BTreeSet<_> = status
                .voters
                .iter()
                .chain(&status.learners)
                .copied()
                .collect();
            listed == incarnations()
                && raft_ids == followed
                && !status.joint
                && catalog.pendings.is_empty()
        };
        nodes
            .iter()
            .all(|n| self.nodes[*n].process.is_some() && self.view(*n).phase == Phase::Member)
            && nodes.iter().all(agrees)
    }

    /// Node ids that `show` prints, by name.
    pub(super) fn ids(&self, n: usize) -> BTreeMap<String, u64> {
        let catalog = self.catalog(n).expect("open");
        catalog
            .meta_nodes
            .values()
            .map(|node| (node.http.host().to_owned(), node.id.0))
            .collect()
    }

    /// Waits until `holds` is true, for at most `limit` of simulated time.
    pub(super) async fn until(&self, limit: Duration, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + limit;
        while !holds(self) {
            assert!(
                Instant::now() < end,
                "not within {limit:?}: {}",
                self.describe()
            );
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Sets a node's wall clock ahead of the others', or right again with 0.
    pub(super) fn set_clock_ahead(&self, n: usize, seconds: i64) {
        let offset = &self.nodes[n].clock_offset;
        offset.store(seconds, Ordering::Relaxed);
    }

    pub(super) async fn formed(&self) {
        self.until(Duration::from_secs(20), Self::is_formed).await;
    }

    pub(super) async fn create(&self, n: usize, database: &str) -> Result<Outcome, ProposeError> {
        let command = Command::Wire(WireCommand::CreateDatabase {
            name: Name::from(database),
            retention_policy: None,
        });
        let raft = self.cluster(n).raft().expect("open");
        raft.propose(Body::from(command), Instant::now() + Duration::from_secs(5))
            .await
    }

    pub(super) fn has(&self, n: usize, database: &str) -> bool {
        self.catalog(n)
            .is_some_and(|catalog| catalog.databases.get(&Name::from(database)).is_some())
    }

    pub(super) fn describe(&self) -> String {
        let node = |n: usize| match &self.nodes[n].process {
            None => format!("{n}: down"),
            Some(process) => format!("{n}: {:?}\n   {:?}", process.cluster.view(), self.status(n)),
        };
        (0..self.nodes.len())
            .map(node)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// One line with the visible state of all nodes.
    pub(super) fn snapshot(&self) -> String {
        let node = |n: usize| {
            let Some(process) = &self.nodes[n].process else {
                return "down".to_owned();
            };
            let (view, status) = (process.cluster.view(), self.status(n));
            let raft = status.map(|s| (s.term, s.role, s.leader, s.last_log, s.applied));
            format!(
                "{} {:?} {:?} {raft:?}",
                view.incarnation, view.phase, view.doing
            )
        };
        (0..self.nodes.len())
            .map(node)
            .collect::<Vec<_>>()
            .join(" | ")
    }
}

pub(super) fn host(n: usize) -> String {
    format!("meta-{}", n + 1)
}

pub(super) fn ip(n: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(
        10,
        0,
        0,
        u8::try_from(n + 1).expect("few nodes"),
    ))
}

fn config(peers: &[Address], n: usize) -> ClusterConfig {
    ClusterConfig {
        peers: peers.to_vec(),
        bootstrap_expect: None,
        single_server: false,
        cluster_name: "demo".to_owned(),
        join_timeout: Duration::ZERO,
        hostname: None,
        system_host_name: format!("container-{n}"),
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
            snapshot_every_entries: 10_000,
            snapshot_every_bytes: 64 << 20,
        },
        version: format!("test-{n}"),
    }
}

/// Wall clock that advances with tokio's paused time.
struct Ticking(Instant, Arc<AtomicI64>);

impl Clock for Ticking {
    fn now(&self) -> UnixNanos {
        let since = i64::try_from(self.0.elapsed().as_nanos()).expect("short");
        let offset = self.1.load(Ordering::Relaxed) * 1_000_000_000;
        UnixNanos(1_700_000_000_000_000_000 + since + offset)
    }
}
