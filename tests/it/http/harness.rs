//! A server in front of a stand-in for the cluster, and a client that sends exactly the bytes it is
//! given.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use influxdb_meta::auth::{PeerPolicy, Users};
use influxdb_meta::base::{Address, Incarnation, UnixNanos};
use influxdb_meta::client::CallError;
use influxdb_meta::cluster::{
    Activity, Missing, MissingReason, NodeRef, NotMember, OtherMembers, PollError, Refusal, View,
    Warning,
};
use influxdb_meta::data_node::{DataNodes, DataNodesConfig};
use influxdb_meta::http::{HttpConfig, ROUTES, Server};
use influxdb_meta::raft::Raft;
use influxdb_meta::runtime::net::memory::Network;
use influxdb_meta::runtime::net::{BoxFuture, Stream};
use influxdb_meta::runtime::{Env, SystemRng, Tasks};
use influxdb_meta::service::{
    ClusterApi, ForwardError, ForwardedRequest, ForwardedResponse, Forwarder, Service,
    ServiceConfig,
};
use influxdb_meta::telemetry::metrics::Metrics;
use influxdb_meta::wire::api::Announcement;
use influxdb_meta::wire::identity::{Identity, Phase, Starts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::scripted::Scripted;

pub(crate) const VERSION: &str = "1.12.4-c0.1.0";
pub(crate) const US: Incarnation = Incarnation([0x11; 16]);
pub(crate) const THEM: Incarnation = Incarnation([0x22; 16]);

/// Longer than anything here takes on a busy machine; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A node outside any cluster, in whatever state a test needs.
pub(crate) struct StandIn {
    pub(crate) view: watch::Sender<Arc<View>>,
    pub(crate) hints: Mutex<Vec<(Identity, IpAddr)>>,
    pub(crate) announced: Mutex<Vec<Announcement>>,
    pub(crate) panics: bool,
    /// Time that `leave` takes.
    pub(crate) delay: Duration,
    pub(crate) scripted: Scripted,
}

impl Default for StandIn {
    fn default() -> Self {
        Self {
            view: watch::Sender::new(Arc::new(waiting())),
            hints: Mutex::default(),
            announced: Mutex::default(),
            panics: false,
            delay: Duration::ZERO,
            scripted: Scripted::default(),
        }
    }
}

pub(crate) fn waiting() -> View {
    View {
        doing: Activity::Waiting,
        phase: Phase::Fresh,
        reason: "waiting for 1 of 3 founders: meta-3:8091 (name unknown)".to_owned(),
        has_leader: false,
        missing: vec![Missing {
            address: Address::new("meta-3", 8091),
            why: MissingReason::NoAnswer(PollError::NAME_UNKNOWN),
        }],
        incarnation: US,
        http: Some(Address::new("meta-1", 8091)),
        raft: Some(Address::new("meta-1", 8089)),
        cluster_id: None,
        cluster_name: "prod".to_owned(),
        raft_id: None,
        warnings: vec![Warning::TwoVoters],
        other_members: OtherMembers::default(),
        peer_policy: PeerPolicy::Open,
    }
}

pub(crate) fn identity(incarnation: Incarnation, name: &str) -> Identity {
    Identity {
        protocol: 1,
        version: VERSION.to_owned(),
        feature_level: 1,
        incarnation,
        http: Address::new(name, 8091),
        raft: Address::new(name, 8089),
        phase: Phase::Fresh,
        halted: None,
        vector: None,
        cluster_id: None,
        recovered_from: None,
        raft_id: None,
        cluster_name: "prod".to_owned(),
        list_hash: None,
        list: Vec::new(),
        expect: 3,
        members: Vec::new(),
        voters: Vec::new(),
        leader_known: false,
        with_secret: false,
        starts: Starts::default(),
        heard: Vec::new(),
        clock: None,
        process: None,
    }
}

impl ClusterApi for StandIn {
    fn raft(&self) -> Result<Raft, NotMember> {
        let view = self.view.borrow();
        Err(NotMember {
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
        Ok(identity(US, "meta-1"))
    }

    fn hint(&self, theirs: &Identity, from: IpAddr) {
        self.hints
            .lock()
            .expect("hints")
            .push((theirs.clone(), from));
    }

    fn announced(&self, announcement: &Announcement) {
        assert!(!self.panics, "a panic inside a request");
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
    ) -> BoxFuture<'a, Result<(u16, Bytes), Refusal>> {
        Box::pin(async move {
            let answer = self.scripted.answer(path, body, from);
            answer.ok_or(Refusal::NotLeader)
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
    ) -> BoxFuture<'a, Result<NodeRef, Refusal>> {
        Box::pin(async move { self.scripted.join(addr) })
    }

    fn leave<'a>(&'a self, by: &'a str, _deadline: Instant) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async move {
            tokio::time::sleep(self.delay).await;
            self.scripted.leave(by)
        })
    }

    fn remove<'a>(
        &'a self,
        http: &'a Address,
        force: bool,
        by: &'a str,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async move { self.scripted.remove(http, force, by) })
    }
}

/// Forwarder that reaches no other node.
pub(crate) struct Alone;

impl Forwarder for Alone {
    fn forward<'a>(
        &'a self,
        _to: &'a Address,
        _request: &'a ForwardedRequest,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<ForwardedResponse, ForwardError>> {
        Box::pin(async { Err(ForwardError::NotSent(CallError::Refused)) })
    }
}

pub(crate) struct TestServer {
    pub(crate) env: Env,
    pub(crate) server: Server,
    pub(crate) service: Arc<Service>,
}

impl TestServer {
    pub(crate) async fn unjoined(stand_in: Arc<StandIn>) -> Self {
        let server = Self::start(HttpConfig::default(), Arc::new(Alone)).await;
        server.service.attach(stand_in);
        server
    }

    /// Starts a server without a cluster.
    pub(crate) async fn start(config: HttpConfig, forwarder: Arc<dyn Forwarder>) -> Self {
        Self::with_users(config, forwarder, None).await
    }

    /// Starts a server with these users in place of those of the catalog.
    pub(crate) async fn with_users(
        config: HttpConfig,
        forwarder: Arc<dyn Forwarder>,
        users: Option<Arc<dyn Users>>,
    ) -> Self {
        Self::in_env(Env::real(), config, forwarder, users).await
    }

    /// Starts a server on a network in memory, for tests with paused time.
    pub(crate) async fn simulated(config: HttpConfig, stand_in: StandIn) -> Self {
        Self::called_from(IpAddr::from([127, 0, 0, 1]), config, stand_in).await
    }

    /// Starts a server on a network in memory, whose callers come from this address.
    pub(crate) async fn called_from(ip: IpAddr, config: HttpConfig, stand_in: StandIn) -> Self {
        let network = Network::new(
            Arc::new(SystemRng),
            Duration::ZERO..Duration::from_millis(1),
        );
        let env = Env {
            net: network.host(ip),
            tasks: Tasks::inline(),
            ..Env::real()
        };
        let server = Self::in_env(env, config, Arc::new(Alone), None).await;
        server.service.attach(Arc::new(stand_in));
        server
    }

    async fn in_env(
        env: Env,
        config: HttpConfig,
        forwarder: Arc<dyn Forwarder>,
        users: Option<Arc<dyn Users>>,
    ) -> Self {
        let listener = env
            .net
            .listen(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a free port");
        let metrics = Arc::new(Metrics::new(VERSION.to_owned(), UnixNanos(0), ROUTES));
        let service_config = ServiceConfig {
            consensus_timeout: Duration::from_secs(5),
            lease_duration: Duration::from_secs(60),
            add_data: Vec::new(),
            login: influxdb_meta::auth::Login::default(),
            version: VERSION.to_owned(),
            scheme: "http",
        };
        let data_nodes = DataNodes::open(&env, &DataNodesConfig::default())
            .await
            .expect("without TLS");
        let service = Service::new(&env, forwarder, data_nodes, metrics, service_config);
        let users = users.unwrap_or_else(|| service.clone());
        let server = Server::start_with_users(&env, listener, service.clone(), users, config);
        Self {
            env,
            server,
            service,
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = self
            .env
            .net
            .dial(self.server.local())
            .await
            .expect("connects");
        Connection {
            stream,
            unread: Vec::new(),
        }
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn ask(&self, request: &[u8]) -> Reply {
        let mut connection = self.connect().await;
        connection.send(request).await;
        connection.reply().await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: meta-1:8091\r\n\r\n").as_bytes())
            .await
    }

    pub(crate) async fn post(&self, path: &str, headers: &str, body: &[u8]) -> Reply {
        self.ask(&post(path, headers, body)).await
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.env.tasks.stop();
    }
}

pub(crate) fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: meta-1:8091\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) struct Connection {
    pub(crate) stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

impl Connection {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("sends");
    }

    /// Ends the sending half and goes on reading.
    pub(crate) async fn half_close(&mut self) {
        self.stream.shutdown().await.expect("shuts down");
    }

    /// Returns the next answer, however long it takes.
    pub(crate) async fn reply_at_last(&mut self) -> Reply {
        self.read_reply().await.expect("an answer")
    }

    pub(crate) async fn reply(&mut self) -> Reply {
        timeout(PATIENCE, self.read_reply())
            .await
            .expect("an answer in time")
            .expect("an answer")
    }

    /// Reads until the other side closes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        timeout(PATIENCE, self.stream.read_to_end(&mut all))
            .await
            .expect("an end in time")
            .expect("reads");
        String::from_utf8(all).expect("text")
    }

    /// `true` when the other side closes without sending anything before.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        matches!(
            timeout(PATIENCE, self.stream.read(&mut byte)).await,
            Ok(Ok(0) | Err(_))
        )
    }

    /// `true` when nothing comes for a while, which is the only way to see that the server waits.
    pub(crate) async fn is_silent(&mut self) -> bool {
        timeout(Duration::from_millis(150), self.stream.read_u8())
            .await
            .is_err()
    }

    async fn read_reply(&mut self) -> Option<Reply> {
        let head = loop {
            if let Some(end) = self.unread.windows(4).position(|w| w == b"\r\n\r\n") {
                let rest = self.unread.split_off(end + 4);
                break String::from_utf8(std::mem::replace(&mut self.unread, rest))
                    .expect("a head is text");
            }
            self.more().await?;
        };
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().expect("status line").to_owned();
        let headers: BTreeMap<_, _> = lines
            .map(|line| line.split_once(": ").expect("header"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let length = headers
            .get("Content-Length")
            .map_or(0, |text| text.parse().expect("a length"));
        while self.unread.len() < length {
            self.more().await?;
        }
        let rest = self.unread.split_off(length);
        let body = std::mem::replace(&mut self.unread, rest);
        Some(Reply {
            status_line,
            headers,
            body,
        })
    }

    async fn more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.unread).await.expect("reads");
        (read > 0).then_some(())
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status_line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.status_line
            .split(' ')
            .nth(1)
            .expect("status")
            .parse()
            .expect("a number")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The whole answer, without what differs from run to run.
    pub(crate) fn golden(&self) -> String {
        let mut lines = vec![self.status_line.clone()];
        let varying = ["Date", "X-Request-Id", "Request-Id"];
        lines.extend(
            self.headers
                .iter()
                .filter(|(n, _)| !varying.contains(&n.as_str()))
                .map(|(n, v)| format!("{n}: {v}")),
        );
        lines.push(String::new());
        lines.push(self.text().to_owned());
        lines.join("\n")
    }
}

/// Waits until the condition holds, with a time limit.
pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
