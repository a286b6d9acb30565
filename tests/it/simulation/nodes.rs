//! Whole nodes without HTTP: cluster, Raft and storage over a network and disks in memory, in one thread under
//! paused time. The exchange of founding is a function call with a latency.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::seeded::Seeded;
use influxdb_meta::base::{Address, Name, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::cluster::{
    Ask, Cluster, ClusterConfig, ClusterError, Exchange, PollError, Told, View,
};
use influxdb_meta::machine::{Command, Outcome};
use influxdb_meta::raft::{ProposeError, RaftConfig, RaftStatus, Role};
use influxdb_meta::runtime::disk::Fake;
use influxdb_meta::runtime::net::BoxFuture;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::{Clock, Disk, Env, Rng, Tasks, local};
use influxdb_meta::storage::DataDir;
use influxdb_meta::wire::api::Announcement;
use influxdb_meta::wire::envelope::Body;
use influxdb_meta::wire::identity::Identity;
use tokio::time::{Instant, sleep};

/// Where each node's data lies on its own disk.
pub(super) const DIR: &str = "/data";

pub(super) struct Sim {
    pub(super) network: Network,
    pub(super) rng: Arc<Seeded>,
    switchboard: Switchboard,
    pub(super) nodes: Vec<Node>,
    began: Instant,
}

pub(super) struct Node {
    pub(super) ip: IpAddr,
    pub(super) config: ClusterConfig,
    pub(super) disk: Fake,
    pub(super) process: Option<Process>,
}

pub(super) struct Process {
    tasks: Tasks,
    pub(super) cluster: Cluster,
}

impl Sim {
    /// As many founders as asked for, none of them running. Seeds this thread, too: one at a time in a thread.
    pub(super) fn new(seed: u64, founders: usize) -> Self {
        let rng = Seeded::new(seed);
        local::seed(rng.clone());
        // Each user of randomness has a stream of its own: two that draw at the same instant do not depend on who
        // is first, which tokio's own scheduling (random among the waiters of one `watch`) leaves open.
        let latency = Duration::from_millis(1)..Duration::from_micros(1001);
        let network = Network::new(Seeded::new(seed), latency);
        let switchboard = Switchboard { nodes: Arc::default() };
        let peers: Vec<Address> = (0..founders).map(|n| Address::new(&host(n), 8091)).collect();
        let node = |n| {
            network.name(&host(n), &[ip(n)]);
            Node { ip: ip(n), config: config(&peers, n), disk: Fake::new(), process: None }
        };
        let nodes = (0..founders).map(node).collect();
        Self { network, rng, switchboard, nodes, began: Instant::now() }
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
        // A start takes its time; what a killed process held is let go meanwhile.
        sleep(Duration::from_millis(5)).await;
        let node = &self.nodes[n];
        let tasks = Tasks::inline();
        let env = Env {
            clock: Arc::new(Ticking(self.began)),
            rng: Seeded::new(self.rng.u64()),
            net: self.network.host(node.ip),
            disk: Arc::new(node.disk.clone()),
            tasks: tasks.clone(),
        };
        let exchange = Arc::new(Line { switchboard: self.switchboard.clone(), from: node.ip });
        let (config, bind) = (node.config.clone(), SocketAddr::new(node.ip, 8089));
        let starting = async move {
            let dir = DataDir::open(&env, Path::new(DIR)).expect("the directory opens");
            Cluster::start(env, dir, config, exchange, bind).await
        };
        let cluster = tasks.killable(starting).await.expect("not killed meanwhile")?;
        self.switchboard.put(SocketAddr::new(node.ip, 8091), Some(cluster.clone()));
        self.nodes[n].process = Some(Process { tasks, cluster });
        Ok(())
    }

    /// SIGKILL: the page cache survives.
    pub(super) fn kill(&mut self, n: usize) {
        self.end(n);
        self.nodes[n].disk = self.nodes[n].disk.after_kill();
    }

    /// Un-synced writes are lost, some of them.
    pub(super) fn power_off(&mut self, n: usize) {
        self.end(n);
        self.nodes[n].disk = self.nodes[n].disk.after_power_loss(self.rng.u64());
    }

    pub(super) fn wipe(&mut self, n: usize) {
        self.end(n);
        self.nodes[n].disk = Fake::new();
    }

    /// SIGTERM, and how long it took.
    pub(super) async fn stop(&mut self, n: usize) -> Duration {
        let begun = Instant::now();
        self.cluster(n).stop().await;
        let took = begun.elapsed();
        self.kill(n);
        took
    }

    fn end(&mut self, n: usize) {
        self.switchboard.put(SocketAddr::new(self.nodes[n].ip, 8091), None);
        if let Some(process) = self.nodes[n].process.take() {
            process.tasks.kill();
        }
    }

    /// Deletes every file of the log, as somebody might who wants to "cure" a damaged one.
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

    /// The running node that leads, if one does.
    pub(super) fn leader(&self) -> Option<usize> {
        (0..self.nodes.len()).find(|n| {
            self.status(*n).is_some_and(|status| status.role == Role::Leader && status.leader.is_some())
        })
    }

    /// All running nodes follow one leader, with a founded catalog.
    pub(super) fn is_formed(&self) -> bool {
        let running: Vec<usize> =
            (0..self.nodes.len()).filter(|n| self.nodes[*n].process.is_some()).collect();
        let leaders: Vec<_> = running.iter().map(|n| self.status(*n).and_then(|s| s.leader)).collect();
        let founded = |n: &usize| self.catalog(*n).is_some_and(|catalog| catalog.cluster.is_some());
        leaders[0].is_some() && leaders.iter().all(|l| *l == leaders[0]) && running.iter().all(founded)
    }

    /// Waits for a level, at most so long of simulated time.
    pub(super) async fn until(&self, limit: Duration, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + limit;
        while !holds(self) {
            assert!(Instant::now() < end, "not within {limit:?}: {}", self.describe());
            sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) async fn formed(&self) {
        self.until(Duration::from_secs(20), Self::is_formed).await;
    }

    pub(super) async fn create(&self, n: usize, database: &str) -> Result<Outcome, ProposeError> {
        let command = Command::CreateDatabase { name: Name::from(database), retention_policy: None };
        let raft = self.cluster(n).raft().expect("open");
        raft.propose(Body::Ours(command), Instant::now() + Duration::from_secs(5)).await
    }

    pub(super) fn has(&self, n: usize, database: &str) -> bool {
        self.catalog(n).is_some_and(|catalog| catalog.databases.get(&Name::from(database)).is_some())
    }

    pub(super) fn describe(&self) -> String {
        let node = |n: usize| match &self.nodes[n].process {
            None => format!("{n}: down"),
            Some(process) => format!("{n}: {:?}\n   {:?}", process.cluster.view(), self.status(n)),
        };
        (0..self.nodes.len()).map(node).collect::<Vec<_>>().join("\n")
    }

    /// One line of what can be seen of all nodes.
    pub(super) fn snapshot(&self) -> String {
        let node = |n: usize| {
            let Some(process) = &self.nodes[n].process else { return "down".to_owned() };
            let (view, status) = (process.cluster.view(), self.status(n));
            let raft = status.map(|s| (s.term, s.role, s.leader, s.last_log, s.applied));
            format!("{} {:?} {:?} {raft:?}", view.incarnation, view.phase, view.doing)
        };
        (0..self.nodes.len()).map(node).collect::<Vec<_>>().join(" | ")
    }
}

pub(super) fn host(n: usize) -> String {
    format!("meta-{}", n + 1)
}

fn ip(n: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(n + 1).expect("few nodes")))
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
        raft: RaftConfig {
            base: Duration::from_secs(1),
            retention_autocreate: true,
            snapshot_every_entries: 10_000,
            snapshot_every_bytes: 64 << 20,
        },
        version: format!("test-{n}"),
    }
}

/// Who answers at which socket address.
#[derive(Clone)]
struct Switchboard {
    nodes: Arc<Mutex<BTreeMap<SocketAddr, Cluster>>>,
}

impl Switchboard {
    fn put(&self, at: SocketAddr, cluster: Option<Cluster>) {
        let mut nodes = self.nodes.lock().expect("no panic while held");
        match cluster {
            Some(cluster) => drop(nodes.insert(at, cluster)),
            None => drop(nodes.remove(&at)),
        }
    }

    fn get(&self, at: SocketAddr) -> Result<Cluster, PollError> {
        let nodes = self.nodes.lock().expect("no panic while held");
        nodes.get(&at).cloned().ok_or(PollError::Refused)
    }

    /// Where this name leads.
    fn place(&self, name: &Address) -> Result<SocketAddr, PollError> {
        let ips = self.network.resolve(name.host()).ok_or(PollError::NameUnknown)?;
        Ok(SocketAddr::new(*ips.first().ok_or(PollError::NameUnknown)?, name.port()))
    }

    async fn travel(&self) {
        sleep(Duration::from_millis(1)).await;
    }
}

/// One node's end of it.
struct Line {
    switchboard: Switchboard,
    from: IpAddr,
}

impl Exchange for Line {
    fn identity(
        &self,
        at: SocketAddr,
        _host: &Address,
        ours: Identity,
    ) -> BoxFuture<'_, Result<Identity, PollError>> {
        Box::pin(async move {
            self.switchboard.travel().await;
            let callee = self.switchboard.get(at)?;
            callee.hint(&ours, self.from);
            let theirs = callee.identity();
            self.switchboard.travel().await;
            Ok(theirs)
        })
    }

    fn ask(&self, to: &Address, ask: Ask) -> BoxFuture<'_, Result<Told, PollError>> {
        let to = to.clone();
        Box::pin(async move {
            let asked = self.ask_at(&to, &ask);
            tokio::time::timeout(ask.within, asked).await.unwrap_or(Err(PollError::Timeout))
        })
    }

    fn announce(&self, to: &Address, announcement: Announcement) -> BoxFuture<'_, Result<(), PollError>> {
        let place = to.host().strip_prefix("meta-").and_then(|n| n.parse::<usize>().ok());
        let at = place.map(|n| SocketAddr::new(ip(n - 1), to.port()));
        Box::pin(async move {
            self.switchboard.travel().await;
            self.switchboard.get(at.ok_or(PollError::NameUnknown)?)?.announced(&announcement);
            Ok(())
        })
    }
}

impl Line {
    /// As HTTP has it: what only the leader answers is carried to it.
    async fn ask_at(&self, to: &Address, ask: &Ask) -> Result<Told, PollError> {
        let deadline = Instant::now() + ask.within;
        let mut at = self.switchboard.place(to)?;
        for _hop in 0..2 {
            self.switchboard.travel().await;
            let callee = self.switchboard.get(at)?;
            if ask.meant_for.is_some_and(|who| who != callee.identity().incarnation) {
                return Ok(told(421, b"{}".to_vec()));
            }
            if let Some((status, body)) = callee.answer(ask.path, &ask.body, self.from, deadline).await {
                self.switchboard.travel().await;
                return Ok(told(status, body.to_vec()));
            }
            let Some(leader) = leader_of(&callee) else { break };
            at = self.switchboard.place(&leader)?;
        }
        Ok(told(503, br#"{"error":"no leader"}"#.to_vec()))
    }
}

fn told(status: u16, body: Vec<u8>) -> Told {
    Told { status, body, proven: true }
}

fn leader_of(cluster: &Cluster) -> Option<Address> {
    let raft = cluster.raft().ok()?;
    let leader = raft.status().leader?;
    let applied = raft.applied();
    let applied = applied.borrow();
    applied.catalog.meta_node_by_raft_id(leader).map(|node| node.http.clone())
}

/// Wall time that goes with tokio's.
struct Ticking(Instant);

impl Clock for Ticking {
    fn now(&self) -> UnixNanos {
        let since = i64::try_from(self.0.elapsed().as_nanos()).expect("short");
        UnixNanos(1_700_000_000_000_000_000 + since)
    }
}
