//! The running node: start order and drain order.

use std::sync::Arc;
use std::time::Duration;

use super::failure::StartFailure;
use super::{listen, report};
use crate::auth::{AuthConfig, Login};
use crate::base::endpoint::HTTP_SCHEME;
use crate::client::Client;
use crate::cluster::{Cluster, ClusterApi, HttpExchange};
use crate::config::{Config, version};
use crate::data_node::DataNodes;
use crate::http::{HttpConfig, ROUTES, Resources, Server};
use crate::raft::AfterHandOver;
use crate::runtime::Env;
use crate::runtime::signal::{Signals, Stop};
use crate::service::{Service, ServiceConfig};
use crate::storage::DataDir;
use crate::telemetry::logging::Log;
use crate::telemetry::metrics::Metrics;

/// Longest time for the drain. `docker stop` kills after 10 s, but a rolling restart waits for each
/// node. An unfinished drain is safe, because everything acknowledged is on disk already.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(1_800);

/// Longest time for transferring leadership, which takes a few milliseconds. Without it an election
/// takes at most this long.
const HAND_OVER_TIMEOUT: Duration = Duration::from_millis(500);

/// Time that open requests have to finish during the drain.
const GRACE_PERIOD: Duration = Duration::from_millis(500);

/// Runs until a signal or a failure, also during the start.
pub(super) async fn run(
    config: Config,
    resources: Resources,
    log: &Log,
) -> Result<(), StartFailure> {
    let installed = Signals::install();
    let mut signals = installed.map_err(|source| StartFailure::System {
        operation: "installing signal handlers",
        source,
    })?;
    let env = Env::real();
    let front = tokio::select! {
        biased;
        // The directory is left as by a kill: the next start can use it.
        stop = signals.stop() => {
            log_stop(stop);
            log_stopped();
            return Ok(());
        }
        front = Front::listen(&env, &config, resources, log) => front?,
    };
    let mut cluster = None;
    let ended = tokio::select! {
        biased;
        stop = signals.stop() => {
            log_stop(stop);
            Ok(())
        }
        error = run_cluster(&env, &config, &front, &mut cluster) => Err(error),
    };
    let drained = tokio::select! {
        biased;
        stop = signals.stop() => Err(StartFailure::SecondSignal(stop)),
        () = drain(&env, &front, cluster) => Ok(()),
    };
    ended.and(drained)
}

fn log_stop(stop: Stop) {
    tracing::info!(
        event = "stop",
        signal = stop.name(),
        "stopping; membership in the cluster does not change"
    );
}

fn log_stopped() {
    tracing::info!(event = "stop.done", "stopped");
}

/// The parts that work before there is a cluster: the locked directory and the HTTP API.
struct Front {
    dir: DataDir,
    service: Arc<Service>,
    server: Server,
}

impl Front {
    /// Listens first, so that probes need not wait for the disk. If both listening and opening the
    /// directory fail, the directory is reported: a second process on one directory usually has the
    /// same address too, and the address is not what has to change.
    async fn listen(
        env: &Env,
        config: &Config,
        resources: Resources,
        log: &Log,
    ) -> Result<Self, StartFailure> {
        let key = "http-bind-address";
        let address = listen::address(env, key, &config.http_bind).await;
        let data_nodes = data_nodes(env, config).await?;
        let service = service(env, config, data_nodes, metrics(env, log));
        let server = env.net.listen(address).await.map(|listener| {
            let address = listener.local();
            tracing::info!(event = "http.listen", %address, "the HTTP API listens");
            let peer_keys = config.cluster.peer_keys();
            let auth = config.auth.clone();
            let http = HttpConfig {
                peer_keys,
                auth,
                max_connections: resources.max_connections(),
                body_budget: resources.body_budget(),
                ..HttpConfig::default()
            };
            Server::start(env, listener, service.clone(), http)
        });
        let dir = open(env, config).await?;
        let server = server.map_err(|source| StartFailure::Listen {
            key,
            bind: address.to_string(),
            source,
        })?;
        Ok(Self {
            dir,
            service,
            server,
        })
    }
}

async fn open(env: &Env, config: &Config) -> Result<DataDir, StartFailure> {
    let (task_env, dir) = (env.clone(), config.dir.clone());
    let opened = env
        .tasks
        .blocking(move || DataDir::open(&task_env, &dir))
        .await?;
    tracing::info!(
        event = "directory",
        path = %opened.path().display(),
        "the data directory is locked and open"
    );
    Ok(opened)
}

/// Loads the certificates for data nodes at start, so that an error is reported before the first
/// call.
async fn data_nodes(env: &Env, config: &Config) -> Result<DataNodes, StartFailure> {
    let data_nodes = DataNodes::open(env, &config.data_nodes).await?;
    report::data_nodes(&data_nodes);
    Ok(data_nodes)
}

fn metrics(env: &Env, log: &Log) -> Metrics {
    let version = version::VERSION.to_owned();
    Metrics {
        log_lines_dropped: log.dropped(),
        ..Metrics::new(version, env.clock.now(), ROUTES)
    }
}

fn service(env: &Env, config: &Config, data_nodes: DataNodes, metrics: Metrics) -> Arc<Service> {
    let settings = ServiceConfig {
        consensus_timeout: config.consensus_timeout,
        lease_duration: config.lease_duration,
        add_data: config.add_data.clone(),
        login: login(&config.auth),
        version: version::VERSION.to_owned(),
        scheme: HTTP_SCHEME,
    };
    Service::new(
        env,
        Arc::new(Client::new(env)),
        data_nodes,
        Arc::new(metrics),
        settings,
    )
}

/// Returns the credentials that this node sends to other nodes, which require the same as it does.
fn login(auth: &AuthConfig) -> Login {
    auth.internal_secret
        .clone()
        .filter(|_| auth.enabled)
        .map_or(Login::None, Login::internal)
}

/// Starts the cluster and waits until it fails. Returns the failure, which ends the process.
async fn run_cluster(
    env: &Env,
    config: &Config,
    front: &Front,
    started: &mut Option<Cluster>,
) -> StartFailure {
    let raft_listen = listen::address(env, "bind-address", &config.raft_bind).await;
    let client = Client::new(env).with_login(login(&config.auth));
    let exchange = HttpExchange::new(env, client, config.cluster.peer_keys());
    let (settings, exchange) = (config.cluster.clone(), Arc::new(exchange));
    match Cluster::start(
        env.clone(),
        front.dir.clone(),
        settings,
        exchange,
        raft_listen,
    )
    .await
    {
        Err(error) => StartFailure::Cluster(error),
        Ok(cluster) => {
            front.service.attach(Arc::new(cluster.clone()));
            report::settings(config, &cluster);
            let cluster = started.insert(cluster);
            StartFailure::Cluster(cluster.failed().await)
        }
    }
}

/// Stops in this order: not ready → transfer leadership → stop accepting, finish requests → stop
/// Raft, flush.
async fn drain(env: &Env, front: &Front, cluster: Option<Cluster>) {
    let steps = async {
        front.service.stop();
        if let Some(raft) = cluster.as_ref().and_then(|cluster| cluster.raft().ok()) {
            let outcome = raft
                .hand_over(HAND_OVER_TIMEOUT, AfterHandOver::Stopping)
                .await;
            tracing::debug!(
                event = "stop.hand-over",
                ?outcome,
                "leadership handed over, if it was here"
            );
        }
        front.server.drain(GRACE_PERIOD).await;
        if let Some(cluster) = &cluster {
            cluster.stop().await;
        }
    };
    match tokio::time::timeout(DRAIN_TIMEOUT, steps).await {
        Ok(()) => log_stopped(),
        Err(_) => tracing::warn!(
            event = "stop.slow",
            "not everything was closed in {DRAIN_TIMEOUT:?}; nothing acknowledged is lost"
        ),
    }
    env.tasks.stop();
}
