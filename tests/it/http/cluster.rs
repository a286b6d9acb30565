//! Meta nodes with real Raft and real logs, founded by the test itself in place of `cluster`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use influxdb_meta::auth::{PeerKeys, PeerPolicy, Users};
use influxdb_meta::base::{Address, ClusterId, Incarnation, RaftId};
use influxdb_meta::client::Client;
use influxdb_meta::cluster::{Activity, NodeRef, NotMember, OtherMembers, Refusal as NoToIt, View};
use influxdb_meta::http::HttpConfig;
use influxdb_meta::machine::{Found, Founder, InternalCommand, Outcome};
use influxdb_meta::raft::{
    Admission, HandshakeRefusal, Hello, Raft, RaftConfig, Replica, Transport,
};
use influxdb_meta::runtime::Env;
use influxdb_meta::runtime::net::BoxFuture;
use influxdb_meta::service::{ClusterApi, Forwarder};
use influxdb_meta::storage::{DataDir, Log, Snapshots};
use influxdb_meta::wire::api::Announcement;
use influxdb_meta::wire::envelope::Body;
use influxdb_meta::wire::identity::{FEATURE_LEVEL, Identity, Phase, Starts};
use tokio::sync::watch;
use tokio::time::Instant;

use super::harness::{PATIENCE, TestServer, identity, until};
use super::scripted::Scripted;

pub(crate) const CLUSTER: ClusterId = ClusterId([0xcc; 16]);

/// A founded cluster of nodes that listen on loopback.
pub(crate) struct TestCluster {
    pub(crate) nodes: Vec<Node>,
}

pub(crate) struct Node {
    pub(crate) http: TestServer,
    pub(crate) member: Arc<Member>,
    pub(crate) raft: Raft,
    _dir: tempfile::TempDir,
}

impl TestCluster {
    /// Makes a founded cluster, with a leader that every node knows, and every node ready.
    pub(crate) async fn of(count: u64) -> Self {
        Self::forwarding_with(count, Arc::new(Client::new(&Env::real()))).await
    }

    /// Makes a cluster whose nodes forward requests with this forwarder.
    pub(crate) async fn forwarding_with(count: u64, forwarder: Arc<dyn Forwarder>) -> Self {
        Self::configured(count, forwarder, HttpConfig::default(), None, FEATURE_LEVEL).await
    }

    pub(crate) async fn with_secret(count: u64, secret: &str) -> Self {
        let config = HttpConfig {
            peer_keys: Some(PeerKeys::derive(secret, None)),
            ..HttpConfig::default()
        };
        let cluster = Self::configured(
            count,
            Arc::new(Client::new(&Env::real())),
            config,
            None,
            FEATURE_LEVEL,
        )
        .await;
        for node in &cluster.nodes {
            node.member.scripted.says().policy = PeerPolicy::ProofRequired;
        }
        cluster
    }

    /// Makes one node of a cluster in which other members may run an older version.
    pub(crate) async fn at_level(level: u32) -> Self {
        let forwarder = Arc::new(Client::new(&Env::real()));
        Self::configured(1, forwarder, HttpConfig::default(), None, level).await
    }

    /// Makes a cluster whose nodes authenticate callers.
    pub(crate) async fn guarded(
        count: u64,
        config: HttpConfig,
        users: Option<Arc<dyn Users>>,
    ) -> Self {
        Self::configured(
            count,
            Arc::new(Client::new(&Env::real())),
            config,
            users,
            FEATURE_LEVEL,
        )
        .await
    }

    async fn configured(
        count: u64,
        forwarder: Arc<dyn Forwarder>,
        config: HttpConfig,
        users: Option<Arc<dyn Users>>,
        level: u32,
    ) -> Self {
        let mut begun = Vec::new();
        for number in 1..=count {
            begun.push(
                Begun::listen(number, forwarder.clone(), config.clone(), users.clone()).await,
            );
        }
        let founders: Vec<_> = begun.iter().map(|node| node.member.founder()).collect();
        let addresses: BTreeMap<_, _> = begun
            .iter()
            .map(|node| (node.member.raft_id, node.member.raft_address()))
            .collect();
        let mut nodes = Vec::new();
        for node in begun {
            *node.member.addresses.lock().expect("addresses") = addresses.clone();
            nodes.push(node.open(&founders).await);
        }
        let cluster = Self { nodes };
        cluster.found(founders, level).await;
        for node in &cluster.nodes {
            until("every node is ready", || {
                node.http.service.ready(false).ready
            })
            .await;
        }
        cluster
    }

    async fn found(&self, founders: Vec<Founder>, feature_level: u32) {
        let found = Found {
            cluster_id: CLUSTER,
            name: "prod".to_owned(),
            founders,
            with_secret: false,
            feature_level,
        };
        let deadline = Instant::now() + PATIENCE;
        for node in self.nodes.iter().cycle() {
            let body = Body::Internal(InternalCommand::Found(found.clone()));
            let soon = Instant::now() + Duration::from_millis(200);
            if let Ok(Outcome::Applied { .. }) = node.raft.propose(body, soon).await {
                return;
            }
            assert!(Instant::now() < deadline, "nobody could found");
        }
    }

    pub(crate) fn leader(&self) -> &Node {
        self.nodes
            .iter()
            .find(|node| node.leads())
            .expect("a leader")
    }

    pub(crate) fn follower(&self) -> &Node {
        self.nodes
            .iter()
            .find(|node| !node.leads())
            .expect("a follower")
    }
}

impl Node {
    pub(crate) fn leads(&self) -> bool {
        self.raft.status().leader == Some(self.member.raft_id)
    }

    /// `Host` header of a caller that knows the node by its advertised name.
    pub(crate) fn host(&self) -> String {
        self.member
            .view()
            .http
            .as_ref()
            .expect("an address")
            .to_string()
    }

    /// Index of the catalog that it serves.
    pub(crate) fn index(&self) -> u64 {
        self.raft.applied().borrow().catalog.index
    }
}

/// A node that listens and has no Raft yet.
struct Begun {
    http: TestServer,
    member: Arc<Member>,
    transport: Transport,
    dir: tempfile::TempDir,
}

impl Begun {
    async fn listen(
        number: u64,
        forwarder: Arc<dyn Forwarder>,
        config: HttpConfig,
        users: Option<Arc<dyn Users>>,
    ) -> Self {
        let http = TestServer::with_users(config, forwarder, users).await;
        let local = http.server.local();
        let member = Arc::new(Member::new(
            number,
            Address::new(&local.ip().to_string(), local.port()),
        ));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let transport = Transport::listen(&http.env, any, member.clone())
            .await
            .expect("a free port");
        member.listens_on(transport.local());
        Self {
            http,
            member,
            transport,
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    async fn open(self, founders: &[Founder]) -> Node {
        let env = self.http.env.clone();
        let dir = DataDir::open(&env, self.dir.path()).expect("a data directory");
        let (snapshots, newest) =
            Snapshots::open(&env, &dir, self.member.incarnation()).expect("no snapshots");
        let log = Log::open(&env, &dir, self.member.incarnation(), None).expect("an empty log");
        let config = RaftConfig {
            base: Duration::from_secs(1),
            retention_autocreate: true,
            catalog_quota: 256 << 20,
            snapshot_every_entries: 10_000,
            snapshot_every_bytes: 64 << 20,
        };
        let me = self.member.replica();
        let raft = Raft::open(&env, config, me, log, snapshots, newest, &self.transport)
            .await
            .expect("opens");
        let members: Vec<_> = (1..)
            .zip(founders)
            .map(|(id, founder)| (RaftId(id), founder.incarnation))
            .collect();
        raft.initialize(&members).await.expect("initialises");
        raft.admit();
        self.member.opened(raft.clone());
        self.http.service.attach(self.member.clone());
        Node {
            http: self.http,
            member: self.member,
            raft,
            _dir: self.dir,
        }
    }
}

/// Answers and decisions of `cluster` for a member.
pub(crate) struct Member {
    raft_id: RaftId,
    raft: Mutex<Option<Raft>>,
    view: watch::Sender<Arc<View>>,
    addresses: Mutex<BTreeMap<RaftId, Address>>,
    heard: Mutex<BTreeMap<Incarnation, Instant>>,
    pub(crate) announced: Mutex<Vec<Announcement>>,
    pub(crate) scripted: Scripted,
}

impl Member {
    fn new(number: u64, http: Address) -> Self {
        let view = View {
            doing: Activity::Founding,
            phase: Phase::Started,
            reason: "the founders start".to_owned(),
            has_leader: false,
            missing: Vec::new(),
            incarnation: Incarnation([number as u8; 16]),
            http: Some(http),
            raft: None,
            cluster_id: Some(CLUSTER),
            cluster_name: "prod".to_owned(),
            raft_id: Some(RaftId(number)),
            warnings: Vec::new(),
            other_members: OtherMembers::default(),
            peer_policy: PeerPolicy::Open,
        };
        Self {
            raft_id: RaftId(number),
            raft: Mutex::default(),
            view: watch::Sender::new(Arc::new(view)),
            addresses: Mutex::default(),
            heard: Mutex::default(),
            announced: Mutex::default(),
            scripted: Scripted::default(),
        }
    }

    fn leads(&self) -> bool {
        let raft = self.raft.lock().expect("raft");
        raft.as_ref()
            .is_some_and(|raft| raft.status().leader == Some(self.raft_id))
    }

    fn change(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(|view| change(Arc::make_mut(view)));
    }

    fn listens_on(&self, local: SocketAddr) {
        self.change(|view| view.raft = Some(Address::new(&local.ip().to_string(), local.port())));
    }

    fn opened(&self, raft: Raft) {
        *self.raft.lock().expect("raft") = Some(raft);
        self.change(|view| {
            (view.doing, view.phase, view.reason) = (Activity::Open, Phase::Member, String::new())
        });
    }

    /// Removed from its cluster by an operator.
    pub(crate) fn removed(&self) {
        *self.raft.lock().expect("raft") = None;
        self.change(|view| {
            view.doing = Activity::Removed;
            view.phase = Phase::Removed;
            view.reason = "this node was removed; influxd-ctl add-meta brings it back".to_owned();
        });
    }

    /// Gives it another name from here on; the catalog does not know it yet.
    pub(crate) fn renamed(&self, http: Address) {
        self.change(|view| view.http = Some(http));
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.view.borrow().incarnation
    }

    fn replica(&self) -> Replica {
        Replica {
            cluster_id: CLUSTER,
            raft_id: self.raft_id,
            incarnation: self.incarnation(),
        }
    }

    pub(crate) fn raft_address(&self) -> Address {
        self.view.borrow().raft.clone().expect("listens")
    }

    fn founder(&self) -> Founder {
        let view = self.view.borrow();
        let http = view.http.clone().expect("listens");
        Founder {
            incarnation: view.incarnation,
            http,
            raft: view.raft.clone().expect("listens"),
        }
    }
}

impl ClusterApi for Member {
    fn raft(&self) -> Result<Raft, NotMember> {
        let raft = self.raft.lock().expect("raft").clone();
        let view = self.view.borrow();
        raft.ok_or_else(|| NotMember {
            phase: view.phase,
            reason: view.reason.clone(),
        })
    }

    fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    fn changed(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    fn identity(&self) -> Result<Identity, NotMember> {
        let heard = self.heard.lock().expect("heard");
        let since = |at: &Instant| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut ours = identity(self.incarnation(), "meta");
        ours.heard = heard.iter().map(|(who, at)| (*who, since(at))).collect();
        Ok(ours)
    }

    fn hint(&self, _theirs: &Identity, _from: IpAddr) {}

    fn announced(&self, announcement: &Announcement) {
        self.announced
            .lock()
            .expect("announced")
            .push(announcement.clone());
    }

    fn announcements(&self) -> Vec<Announcement> {
        self.announced.lock().expect("announced").clone()
    }

    fn answer<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        from: IpAddr,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<(u16, Bytes), NoToIt>> {
        Box::pin(async move {
            self.leads()
                .then(|| self.scripted.answer(path, body, from))
                .flatten()
                .ok_or(NoToIt::NotLeader)
        })
    }

    fn peer_policy(&self) -> PeerPolicy {
        self.scripted.says().policy
    }

    fn accepts_recorded_proofs(&self) -> bool {
        self.scripted.says().recorded_is_enough
    }

    fn join<'a>(
        &'a self,
        addr: &'a Address,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<NodeRef, NoToIt>> {
        Box::pin(async move {
            if self.leads() {
                self.scripted.join(addr)
            } else {
                Err(NoToIt::NotLeader)
            }
        })
    }

    fn leave<'a>(&'a self, by: &'a str, _deadline: Instant) -> BoxFuture<'a, Result<(), NoToIt>> {
        Box::pin(async move { self.scripted.leave(by) })
    }

    fn remove<'a>(
        &'a self,
        http: &'a Address,
        force: bool,
        by: &'a str,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<(), NoToIt>> {
        Box::pin(async move {
            if self.leads() {
                self.scripted.remove(http, force, by)
            } else {
                Err(NoToIt::NotLeader)
            }
        })
    }
}

impl Admission for Member {
    fn admit(&self, _hello: &Hello, _from: IpAddr) -> Result<(), HandshakeRefusal> {
        Ok(())
    }

    fn me(&self) -> Option<(Replica, Address, Starts)> {
        let http = self.view.borrow().http.clone()?;
        Some((self.replica(), http, Starts::default()))
    }

    fn addresses(&self, raft_id: RaftId) -> Vec<Address> {
        self.addresses
            .lock()
            .expect("addresses")
            .get(&raft_id)
            .cloned()
            .into_iter()
            .collect()
    }

    fn heard(&self, incarnation: Incarnation) {
        self.heard
            .lock()
            .expect("heard")
            .insert(incarnation, Instant::now());
    }

    fn peer_keys(&self) -> Option<PeerKeys> {
        None
    }

    fn policy(&self) -> PeerPolicy {
        PeerPolicy::Open
    }
}
