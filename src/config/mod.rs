//! The configuration: the `Config` of each module, from defaults, file, variables and flags.
//!
//! Owns: the table of keys, the layers, checking everything at once, printing it. Never: behaviour.
//! Invariant: a [`Config`] that exists is valid; all problems are reported together. Called by:
//! `app`, which passes each module its own part by value.

mod access;
pub mod args;
mod duration;
pub mod exit;
mod files;
mod find_file;
mod inputs;
mod key;
pub mod keys;
mod layers;
mod manual;
mod other_keys;
mod print;
mod problem;
mod rules;
mod running_node;
mod setting;
mod settings;
mod size;
mod source;
mod value;
pub mod version;

use std::path::PathBuf;
use std::time::Duration;

pub use access::{Access, Owner};
pub use duration::DurationError;
pub use find_file::DEFAULT_PATH;
pub use inputs::{Flags, Inputs};
pub use key::{Effect, Key, KeySpec, ValueKind};
pub use keys::KEYS;
pub use manual::{markdown_accepted, markdown_table};
pub use print::{sample, toml};
pub use problem::{Invalid, Notice, Problem};
pub use setting::{Bind, Choice, FromSetting, Setting};
pub use settings::Settings;
pub use source::Source;
pub use value::ValueError;

use crate::auth::{AuthConfig, Secret};
use crate::base::Address;
use crate::cluster::ClusterConfig;
use crate::data_node::DataNodesConfig;
use crate::raft::RaftConfig;
use crate::telemetry::logging::LoggingConfig;
use crate::tls::{Places, Trust};
use settings::ResolvedSettings;

/// The complete configuration of a node.
#[derive(Clone, Debug)]
pub struct Config {
    pub dir: PathBuf,
    pub http_bind: Bind,
    pub raft_bind: Bind,
    /// Longest time that a command waits for a leader and a majority.
    pub consensus_timeout: Duration,
    /// Lifetime of a data node's work lease that is not renewed.
    pub lease_duration: Duration,
    /// Data nodes that this node adds while it is the leader.
    pub add_data: Vec<Address>,
    pub cluster: ClusterConfig,
    pub auth: AuthConfig,
    pub data_nodes: DataNodesConfig,
    pub logging: LoggingConfig,
    pub pidfile: Option<PathBuf>,
    /// The configuration file that was read, if any.
    pub file: Option<PathBuf>,
    /// Source of `peers`, for the log at start.
    pub peers_from: Source,
    /// Logged as soon as logging works.
    pub notices: Vec<Notice>,
}

/// Reads and checks everything.
///
/// # Errors
/// All problems at once.
pub fn load(inputs: &Inputs) -> Result<Config, Invalid> {
    let (settings, notices) = resolve(inputs)?;
    Ok(build(&settings, inputs, notices))
}

/// Returns the configuration's inputs of the node on this host, for commands that ask it: the
/// variables of this process, and the file of `flags`, or else of the node that runs in this
/// container.
pub fn inputs_of_node(mut flags: Flags) -> Inputs {
    if flags.config.is_none() {
        flags.config = running_node::flags().and_then(|flags| flags.config);
    }
    Inputs::of_process(flags)
}

/// Returns `internal-shared-secret` of a node with `auth-enabled`, whatever else is wrong. `None`
/// also if the caller may not read it.
pub fn secret_for_requests(inputs: &Inputs) -> Option<Secret> {
    let ResolvedSettings { settings, .. } = ResolvedSettings::read(inputs);
    let is_enabled = settings.accepted(keys::META_AUTH_ENABLED) == Some(true);
    let secret = settings.accepted(keys::META_INTERNAL_SHARED_SECRET);
    secret.flatten().filter(|_| is_enabled)
}

/// Returns the address of the HTTP API, whatever else is wrong. A running node must not be reported
/// dead because its flags differ from those of the health check, or because its file was edited
/// since.
///
/// # Errors
/// The address itself cannot be determined.
pub fn http_bind(inputs: &Inputs) -> Result<Bind, Invalid> {
    const KEY: Key<Bind> = keys::META_HTTP_BIND_ADDRESS;
    let ResolvedSettings {
        settings,
        problems,
        notices,
    } = ResolvedSettings::read(inputs);
    let file = settings.file.as_deref();
    let is_unread = file.is_some() && problems.iter().any(|problem| problem.path() == file);
    // An unreadable file may contain an address that overrides the default.
    let is_uncertain = is_unread && settings.source(&KEY.spec) == Source::Default;
    match settings.accepted(KEY) {
        Some(bind) if !is_uncertain => Ok(bind),
        _ => Err(Invalid { problems, notices }),
    }
}

/// Returns the checked settings of all keys, for `influxd-meta config`.
///
/// # Errors
/// All problems at once.
pub fn resolve(inputs: &Inputs) -> Result<(Settings, Vec<Notice>), Invalid> {
    let ResolvedSettings {
        settings,
        mut problems,
        mut notices,
    } = ResolvedSettings::read(inputs);
    problems.extend(rules::check(&settings, &inputs.flags));
    notices.extend(rules::notices(&settings));
    if problems.is_empty() {
        Ok((settings, notices))
    } else {
        Err(Invalid { problems, notices })
    }
}

fn build(settings: &Settings, inputs: &Inputs, notices: Vec<Notice>) -> Config {
    Config {
        dir: settings.get(keys::META_DIR),
        http_bind: settings.get(keys::META_HTTP_BIND_ADDRESS),
        raft_bind: settings.get(keys::META_BIND_ADDRESS),
        consensus_timeout: settings.get(keys::META_CONSENSUS_TIMEOUT),
        lease_duration: settings.get(keys::META_LEASE_DURATION),
        add_data: settings.get(keys::META_ADD_DATA),
        cluster: cluster(settings, inputs),
        auth: AuthConfig {
            enabled: settings.get(keys::META_AUTH_ENABLED),
            method: settings.get(keys::META_AUTH_METHOD),
            internal_secret: settings.get(keys::META_INTERNAL_SHARED_SECRET),
            internal_secret_old: settings.get(keys::META_INTERNAL_SHARED_SECRET_OLD),
            shared_secret: settings.get(keys::META_SHARED_SECRET),
        },
        data_nodes: data_nodes(settings, inputs),
        logging: LoggingConfig {
            format: settings.get(keys::LOGGING_FORMAT),
            level: settings.get(keys::LOGGING_LEVEL),
            banner: !settings.get(keys::LOGGING_SUPPRESS_LOGO),
        },
        pidfile: inputs.flags.pidfile.clone(),
        file: settings.file.clone(),
        peers_from: settings.source(&keys::META_PEERS.spec),
        notices,
    }
}

fn cluster(settings: &Settings, inputs: &Inputs) -> ClusterConfig {
    let peers = settings.get(keys::META_PEERS);
    let expect = settings.get(keys::META_BOOTSTRAP_EXPECT);
    ClusterConfig {
        single_server: inputs.flags.single_server || peers.is_empty() && expect == Some(1),
        peers,
        bootstrap_expect: expect,
        cluster_name: settings.get(keys::META_CLUSTER_NAME).unwrap_or_default(),
        join_timeout: settings.get(keys::META_JOIN_TIMEOUT),
        hostname: settings.get(keys::HOSTNAME),
        system_host_name: inputs.host_name.clone(),
        http_bind: settings.get(keys::META_HTTP_BIND_ADDRESS).to_string(),
        raft_bind: settings.get(keys::META_BIND_ADDRESS).to_string(),
        gossip_frequency: settings.get(keys::META_GOSSIP_FREQUENCY),
        announcement_expiration: settings.get(keys::META_ANNOUNCEMENT_EXPIRATION),
        secret: settings.get(keys::META_INTERNAL_SHARED_SECRET),
        requires_proof: settings.get(keys::META_AUTH_ENABLED)
            || settings.get(keys::META_RAFT_PORTAL_AUTH_REQUIRED)
            || settings.get(keys::META_RAFT_DIALER_AUTH_REQUIRED),
        secret_old: settings.get(keys::META_INTERNAL_SHARED_SECRET_OLD),
        raft: raft(settings),
        version: version::VERSION.to_owned(),
    }
}

/// The places of authorities' certificates come from the variables that all programs share, which
/// do not have the prefix of this program.
fn data_nodes(settings: &Settings, inputs: &Inputs) -> DataNodesConfig {
    let trust = || match settings.get(keys::META_DATA_INSECURE_TLS) {
        true => Trust::Anyone,
        false => Trust::Roots(Places::of_variables(&inputs.variables)),
    };
    DataNodesConfig {
        tls: settings.get(keys::META_DATA_USE_TLS).then(trust),
    }
}

/// Entries after which a snapshot is taken. It bounds what a restart replays and what a returning
/// node is sent to a few seconds.
const SNAPSHOT_EVERY_ENTRIES: u64 = 10_000;
/// Bytes of log after which a snapshot is taken.
const SNAPSHOT_EVERY_BYTES: u64 = 16 << 20;

fn raft(settings: &Settings) -> RaftConfig {
    let heartbeat = settings.get(keys::META_HEARTBEAT_TIMEOUT);
    let election = settings.get(keys::META_ELECTION_TIMEOUT);
    RaftConfig {
        base: heartbeat.max(election),
        retention_autocreate: settings.get(keys::META_RETENTION_AUTOCREATE),
        catalog_quota: settings.get(keys::META_CATALOG_QUOTA),
        snapshot_every_entries: SNAPSHOT_EVERY_ENTRIES,
        snapshot_every_bytes: SNAPSHOT_EVERY_BYTES,
    }
}
