//! The sum of each module's own `Config`, from defaults, file, variables and flags.
//!
//! Owns: the table of keys, the layers, checking the whole at once, printing it. Never: behaviour.
//! Invariant: a [`Config`] that exists is valid; everything wrong is reported together.
//! Called by: `app`, which passes each part its own piece by value.

pub mod args;
mod duration;
pub mod exit;
mod files;
mod key;
mod keys;
mod layers;
mod manual;
mod nearest;
mod print;
mod problem;
mod rules;
mod search;
mod settings;
mod value;
pub mod version;

use std::path::PathBuf;
use std::time::Duration;

pub use key::{Effect, Key, ValueKind};
pub use keys::KEYS;
pub use layers::{Flags, Inputs};
pub use manual::{markdown_accepted, markdown_table};
pub use print::toml;
pub use problem::{Invalid, Notice, Problem};
pub use search::DEFAULT_PATH;
pub use settings::Settings;
pub use value::{Bind, Setting};

use crate::auth::{AuthConfig, Method};
use crate::base::Address;
use crate::cluster::ClusterConfig;
use crate::data_node::DataNodesConfig;
use crate::raft::RaftConfig;
use crate::telemetry::logging::LoggingConfig;
use crate::tls::{Places, Trust};

/// Everything that the program is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    pub dir: PathBuf,
    pub http_bind: Bind,
    pub raft_bind: Bind,
    /// How long a command waits for a leader and a majority.
    pub consensus_timeout: Duration,
    /// How long a data node's work lease lasts unless it is renewed.
    pub lease_duration: Duration,
    /// Data nodes that this node adds when it leads.
    pub add_data: Vec<Address>,
    pub cluster: ClusterConfig,
    pub auth: AuthConfig,
    pub data_nodes: DataNodesConfig,
    pub logging: LoggingConfig,
    pub pidfile: Option<PathBuf>,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// Where `peers` came from, for the start-up log.
    pub peers_from: String,
    /// To be logged once logging works.
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

/// Where the HTTP API listens, whatever else is wrong: a node that runs must not be called dead
/// because its flags are not those of the health check, or because its file has been edited since.
///
/// # Errors
/// The address itself cannot be known.
pub fn http_bind(inputs: &Inputs) -> Result<Bind, Invalid> {
    const KEY: &str = "meta.http-bind-address";
    let settings::ResolvedSettings {
        settings,
        problems,
        notices,
    } = settings::ResolvedSettings::read(inputs);
    let no_file = problems
        .iter()
        .any(|p| p.path().is_some() && p.path() == settings.file.as_deref());
    // The file would have had the last word over the default.
    let unknown = no_file && settings.from(KEY) == problem::Source::Default.to_string();
    match settings.get(KEY) {
        Some(Setting::Bind(bind)) if !unknown => Ok(bind.clone()),
        _ => Err(Invalid { problems, notices }),
    }
}

/// The checked settings, before they are dealt out to the modules: for `influxd-meta config`.
///
/// # Errors
/// All problems at once.
pub fn resolve(inputs: &Inputs) -> Result<(Settings, Vec<Notice>), Invalid> {
    let settings::ResolvedSettings {
        settings,
        mut problems,
        mut notices,
    } = settings::ResolvedSettings::read(inputs);
    problems.extend(rules::check(&settings, &inputs.flags));
    notices.extend(rules::notices(&settings));
    notices.extend(rules::idle(&settings));
    if problems.is_empty() {
        Ok((settings, notices))
    } else {
        Err(Invalid { problems, notices })
    }
}

fn build(settings: &Settings, inputs: &Inputs, notices: Vec<Notice>) -> Config {
    Config {
        dir: settings.text("meta.dir").into(),
        http_bind: settings.bind("meta.http-bind-address"),
        raft_bind: settings.bind("meta.bind-address"),
        consensus_timeout: settings.duration("meta.consensus-timeout"),
        lease_duration: settings.duration("meta.lease-duration"),
        add_data: settings.addresses("meta.add-data"),
        cluster: cluster(settings, inputs),
        auth: auth(settings),
        data_nodes: data_nodes(settings, inputs),
        logging: LoggingConfig {
            format: settings.text("logging.format").parse().unwrap_or_default(),
            level: settings.text("logging.level").parse().unwrap_or_default(),
            banner: !settings.bool("logging.suppress-logo"),
        },
        pidfile: inputs.flags.pidfile.clone(),
        file: settings.file.clone(),
        peers_from: settings.from("meta.peers").to_owned(),
        notices,
    }
}

fn auth(settings: &Settings) -> AuthConfig {
    AuthConfig {
        enabled: settings.bool("meta.auth-enabled"),
        method: match settings.text("meta.auth-method").as_str() {
            "jwt" => Method::Jwt,
            "userpass" => Method::UserPass,
            _ => Method::All,
        },
        internal_secret: set(settings.text("meta.internal-shared-secret")).map(Into::into),
        shared_secret: set(settings.text("meta.shared-secret")).map(Into::into),
    }
}

fn set(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn cluster(settings: &Settings, inputs: &Inputs) -> ClusterConfig {
    let peers = settings.addresses("meta.peers");
    let expect = settings.count("meta.bootstrap-expect");
    ClusterConfig {
        single_server: inputs.flags.single_server || peers.is_empty() && expect == Some(1),
        peers,
        bootstrap_expect: expect,
        cluster_name: settings.text("meta.cluster-name"),
        join_timeout: settings.duration("meta.join-timeout"),
        hostname: set(settings.text("hostname")),
        system_host_name: inputs.host_name.clone(),
        http_bind: settings.bind("meta.http-bind-address").to_string(),
        raft_bind: settings.bind("meta.bind-address").to_string(),
        gossip_frequency: settings.duration("meta.gossip-frequency"),
        announcement_expiration: settings.duration("meta.announcement-expiration"),
        secret: set(settings.text("meta.internal-shared-secret")).map(Into::into),
        raft: raft(settings),
        version: version::VERSION.to_owned(),
    }
}

/// Where authorities' certificates are is said as to every program: by variables without our
/// prefix.
fn data_nodes(settings: &Settings, inputs: &Inputs) -> DataNodesConfig {
    let trust = || match settings.bool("meta.data-insecure-tls") {
        true => Trust::Anyone,
        false => Trust::Roots(Places::of_variables(&inputs.variables)),
    };
    DataNodesConfig {
        tls: settings.bool("meta.data-use-tls").then(trust),
    }
}

/// A snapshot bounds what a restart replays and what a returning node is sent: seconds of either.
const SNAPSHOT_EVERY_ENTRIES: u64 = 10_000;
const SNAPSHOT_EVERY_BYTES: u64 = 16 << 20;

fn raft(settings: &Settings) -> RaftConfig {
    let base = settings
        .duration("meta.heartbeat-timeout")
        .max(settings.duration("meta.election-timeout"));
    RaftConfig {
        base,
        retention_autocreate: settings.bool("meta.retention-autocreate"),
        snapshot_every_entries: SNAPSHOT_EVERY_ENTRIES,
        snapshot_every_bytes: SNAPSHOT_EVERY_BYTES,
    }
}
