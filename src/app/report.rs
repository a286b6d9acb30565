//! Log lines at start. They contain every setting that decides what the node does.

use std::time::Duration;

use crate::auth::{AuthConfig, Method};
use crate::cluster::{Cluster, ClusterApi, ClusterConfig};
use crate::config::{Config, version};
use crate::data_node::DataNodes;
use crate::http::Resources;
use crate::wire::identity::Phase;

/// Logs the version and the process, before anything is opened.
pub(super) fn boot(config: &Config, workers: usize, resources: Resources) {
    let file = config
        .file
        .as_ref()
        .map_or_else(|| "none".into(), |path| path.display().to_string());
    tracing::info!(
        event = "boot",
        version = version::VERSION,
        commit = version::COMMIT,
        config = file,
        dir = %config.dir.display(),
        pid = std::process::id(),
        uid = rustix::process::geteuid().as_raw(),
        workers,
        open_files = resources.open_files.unwrap_or(u64::MAX),
        memory = resources.memory.unwrap_or(u64::MAX),
        max_connections = resources.max_connections(),
        body_budget = resources.body_budget(),
        "influxd-meta starting"
    );
    few_open_files(resources);
    for notice in &config.notices {
        tracing::warn!(event = notice.event, "{}", notice.text);
    }
    if config.cluster.secret.is_none() {
        tracing::warn!(
            event = "config.no-secret",
            "internal-shared-secret is empty: whoever reaches ports 8089 and 8091 can pose as a \
             meta node of this cluster; set INFLUXDB_META_INTERNAL_SHARED_SECRET to the same long \
             text on all nodes"
        );
    }
}

fn few_open_files(resources: Resources) {
    if resources.has_few_open_files() {
        tracing::warn!(
            event = "limit.open-files",
            open_files = resources.open_files.unwrap_or(u64::MAX),
            max_connections = resources.max_connections(),
            "this process may have few open files, so port 8091 takes few connections: raise the \
             hard limit to 4256 or more (docker run --ulimit nofile=65536, LimitNOFILE=65536 in a \
             unit of systemd, ulimit -Hn)"
        );
    }
}

/// Logs whether calls to data nodes are protected.
pub(super) fn data_nodes(data_nodes: &DataNodes) {
    match data_nodes.trusted() {
        None => {}
        Some(0) => tracing::warn!(
            event = "data-nodes.insecure",
            "data-insecure-tls is set: calls to data nodes are encrypted, \
             but any certificate is accepted"
        ),
        Some(authorities) => {
            tracing::info!(
                event = "data-nodes.tls",
                authorities,
                "calls to data nodes go through TLS"
            );
        }
    }
}

/// Logs the settings of the cluster, once the identity is known and the node listens on 8089.
pub(super) fn settings(config: &Config, cluster: &Cluster) {
    let view = cluster.view();
    let settings = &config.cluster;
    let address = |address: &Option<crate::base::Address>| {
        address
            .as_ref()
            .map_or_else(|| "not known yet".into(), ToString::to_string)
    };
    tracing::info!(
        event = "cluster.settings",
        plan = plan(settings, view.phase),
        peers = %join(settings),
        peers_from = %config.peers_from,
        expect = expect(settings),
        cluster_name = settings.cluster_name,
        join_timeout = %join_timeout(settings),
        secret = if settings.secret.is_some() { "set" } else { "none" },
        auth = auth(&config.auth),
        hostname = settings.hostname.as_deref().unwrap_or("unset"),
        advertise = address(&view.http),
        advertise_raft = address(&view.raft),
        incarnation = %view.incarnation,
        phase = format!("{:?}", view.phase).to_ascii_lowercase(),
        "cluster settings in effect"
    );
}

fn auth(auth: &AuthConfig) -> &'static str {
    match auth.method {
        _ if !auth.enabled => "off",
        Method::All => "all",
        Method::Jwt => "jwt",
        Method::UserPass => "userpass",
    }
}

fn plan(settings: &ClusterConfig, phase: Phase) -> &'static str {
    if phase == Phase::Member {
        // The configuration decides how a node enters a cluster, and does not move a member.
        return "none needed: a member of its cluster";
    }
    match (
        settings.peers.as_slice(),
        settings.single_server,
        settings.bootstrap_expect,
    ) {
        ([], true, _) => "found alone",
        ([], false, _) => "none: set peers, or start with -single-server",
        (_, _, Some(0)) => "join, never found",
        _ => "found with peers, or join",
    }
}

fn join(settings: &ClusterConfig) -> String {
    settings
        .peers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// Returns the expected number of founders: the configured one, or the number of peers. `unset` if
/// there is neither, because 0 is a setting.
fn expect(settings: &ClusterConfig) -> String {
    match (
        settings.bootstrap_expect,
        settings.peers.len(),
        settings.single_server,
    ) {
        (Some(expect), ..) => expect.to_string(),
        (None, 0, true) => "1".to_owned(),
        (None, 0, false) => "unset".to_owned(),
        (None, peers, _) => peers.to_string(),
    }
}

fn join_timeout(settings: &ClusterConfig) -> String {
    match settings.join_timeout {
        Duration::ZERO => "none".to_owned(),
        limit => humantime::format_duration(limit).to_string(),
    }
}
