//! The server: accepts connections up to a limit, and drains them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::HttpConfig;
use super::connection;
use super::dispatch::App;
use crate::auth::Users;
use crate::runtime::Env;
use crate::runtime::net::{Listener, Stream};
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

struct Acceptor {
    env: Env,
    app: Arc<App>,
    drain: CancellationToken,
    cut: CancellationToken,
    connections: TaskTracker,
}

impl Acceptor {
    /// Accepts until drain, or until the process's tasks stop; then closes the listener.
    async fn run(self, mut listener: Box<dyn Listener>) {
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.drain.cancelled() => return,
                () = self.env.tasks.stopped() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(stream) => {
                    failing = false;
                    self.serve(stream);
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "cannot accept connections on the HTTP port");
                    }
                    failing = true;
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }

    fn serve(&self, stream: Box<dyn Stream>) {
        let metrics = self.app.service.metrics();
        if self.connections.len() >= self.app.config.max_connections {
            // Closed at once: a probe that fails says more than one that waits in a full queue.
            metrics.connections_refused.add();
            return;
        }
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
                () = connection::serve(stream, app, drain) => {}
                () = cut.cancelled() => {}
                () = tasks.stopped() => {}
            }
        };
        self.env
            .tasks
            .detach(self.connections.track_future(connection));
    }
}
