//! The server: accepts connections up to a limit, and drains them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::HttpConfig;
use super::connection;
use super::connection_state::ConnectionState;
use super::dispatch::App;
use crate::auth::Users;
use crate::runtime::Env;
use crate::runtime::net::places::{CallerKind, PlaceLimits, Places};
use crate::runtime::net::{
    AcceptFailures, Listener, Stream, concerns_one_connection, is_out_of_files,
};
use crate::service::Service;

/// A running HTTP server.
pub struct Server {
    local: SocketAddr,
    service: Arc<Service>,
    /// Cancelled: no new connections; open ones finish their request.
    drain: CancellationToken,
    /// Cancelled: open connections are cut.
    cut: CancellationToken,
    connections: TaskTracker,
}

impl Server {
    /// Starts to serve on a bound listener. Probes are answered at once, whatever the state of the
    /// cluster.
    pub fn start(
        env: &Env,
        listener: Box<dyn Listener>,
        service: Arc<Service>,
        config: HttpConfig,
    ) -> Self {
        Self::start_with_users(env, listener, service.clone(), service, config)
    }

    /// Starts with other users than those of the catalog, for tests.
    pub fn start_with_users(
        env: &Env,
        listener: Box<dyn Listener>,
        service: Arc<Service>,
        users: Arc<dyn Users>,
        config: HttpConfig,
    ) -> Self {
        let server = Self {
            local: listener.local(),
            service: service.clone(),
            drain: CancellationToken::new(),
            cut: CancellationToken::new(),
            connections: TaskTracker::new(),
        };
        let acceptor = Acceptor {
            local: listener.local().ip(),
            places: Places::new(place_limits(config.max_connections)),
            failures: AcceptFailures::default(),
            env: env.clone(),
            app: Arc::new(App::new(env, service, users, config)),
            drain: server.drain.clone(),
            cut: server.cut.clone(),
            connections: server.connections.clone(),
        };
        env.tasks.detach(acceptor.run(listener));
        server
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Stops accepting, answers long polls with 503, lets requests finish, and cuts the remaining
    /// connections after `grace`.
    pub async fn drain(&self, grace: Duration) {
        self.service.stop();
        self.drain.cancel();
        self.connections.close();
        if tokio::time::timeout(grace, self.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                open = self.connections.len(),
                "connections cut after {grace:?} of grace"
            );
        }
        self.cut.cancel();
    }
}

/// Delay after a failed accept. Usually the process is out of file descriptors: connections must
/// close before the next one can open.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Returns how `max` connections are shared: one address has a fourth. This host has a sixteenth
/// for itself, which is enough for probes, and the nodes of the cluster have an eighth.
fn place_limits(max: usize) -> PlaceLimits {
    PlaceLimits {
        max,
        per_address: max.div_ceil(4),
        kept_for_this_host: max / 16,
        kept_for_cluster_nodes: max / 8,
    }
}

struct Acceptor {
    local: IpAddr,
    places: Places,
    failures: AcceptFailures,
    env: Env,
    app: Arc<App>,
    drain: CancellationToken,
    cut: CancellationToken,
    connections: TaskTracker,
}

impl Acceptor {
    /// Accepts until drain, or until the process's tasks stop; then closes the listener.
    async fn run(mut self, mut listener: Box<dyn Listener>) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.drain.cancelled() => return,
                () = self.env.tasks.stopped() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(stream) => self.serve(stream),
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => self.on_failure(&error).await,
            }
        }
    }

    async fn on_failure(&mut self, error: &std::io::Error) {
        if let Some(times) = self.failures.record() {
            tracing::warn!(%error, times, "cannot accept connections on the HTTP port");
        }
        if is_out_of_files(error) {
            self.places.evict_one();
        }
        tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
    }

    fn serve(&self, stream: Box<dyn Stream>) {
        let metrics = self.app.service.metrics();
        let ip = stream.peer().ip();
        let state = Arc::new(ConnectionState::new(ip));
        let Some(place) = self.places.take(ip, self.kind(ip), state.clone()) else {
            // Closed at once: a probe that fails says more than one that waits in a full queue.
            metrics.connections_refused.add();
            return;
        };
        let (app, drain, cut, tasks) = (
            self.app.clone(),
            self.drain.clone(),
            self.cut.clone(),
            self.env.tasks.clone(),
        );
        let connection = async move {
            let service = app.service.clone();
            let _open = service.metrics().connections.enter();
            tokio::select! {
                biased;
                () = connection::serve(stream, state, app, place, drain) => {}
                () = cut.cancelled() => {}
                () = tasks.stopped() => {}
            }
        };
        self.env
            .tasks
            .detach(self.connections.track_future(connection));
    }

    fn kind(&self, ip: IpAddr) -> CallerKind {
        let ip = ip.to_canonical();
        if ip == IpAddr::V4(Ipv4Addr::LOCALHOST)
            || ip == IpAddr::V6(Ipv6Addr::LOCALHOST)
            || ip == self.local.to_canonical()
        {
            CallerKind::ThisHost
        } else if self.app.service.is_cluster_address(ip) {
            CallerKind::ClusterNode
        } else {
            CallerKind::Stranger
        }
    }
}
