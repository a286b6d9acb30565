//! The table of all configuration keys: ours, and every documented one of the product we stand in
//! for (enterprise.md 1, wire.md 12.1), so that its files and environments parse here.

use std::time::Duration;

use super::key::{Effect, Key, ValueKind};
use crate::base::endpoint::{DATA_RPC_PORT, META_HTTP_BIND, META_HTTP_PORT, META_RAFT_BIND};

const fn key(
    section: &'static str,
    name: &'static str,
    kind: ValueKind,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key::new(section, name, kind, default, help)
}

const fn at_least(milliseconds: u64) -> ValueKind {
    ValueKind::Duration {
        at_least: Duration::from_millis(milliseconds),
    }
}

const NO_TLS: &str = "TLS is not built yet";
const FREE: &str = "this is free software: it needs no licence and contacts no portal";

/// In the order in which `influxd-meta config` prints them: sections together.
pub const KEYS: &[Key] = &[
    key("", "reporting-disabled", ValueKind::Bool, "false", "Usage reports are never sent, whatever this says.")
        .effect(Effect::AlwaysTrue("nothing is ever reported")),
    key("", "bind-address", ValueKind::Text, "", "Kept for old files; `[meta] bind-address` is the one that counts.")
        .effect(Effect::None("`[meta] bind-address` is the one that counts")),
    key("", "hostname", ValueKind::Host, "", "The name under which other nodes reach this one; unset: see the manual.")
        .flag(),
    key("enterprise", "license-key", ValueKind::Text, "", "Accepted and not needed.")
        .secret()
        .effect(Effect::None(FREE)),
    key("enterprise", "license-path", ValueKind::Text, "", "Accepted and not needed; the file must be readable.")
        .effect(Effect::None(FREE)),
    key("enterprise", "registration-enabled", ValueKind::Bool, "true", "Kept for old files.")
        .effect(Effect::AlwaysTrue("there is nothing to register with")),
    key("enterprise", "registration-server-url", ValueKind::Text, "", "Kept for old files.")
        .effect(Effect::None("there is nothing to register with")),
    key("enterprise", "marketplace-env", ValueKind::Text, "", "Kept for old environments.")
        .effect(Effect::None(FREE)),
    key("meta", "dir", ValueKind::Text, "/var/lib/influxdb/meta", "Directory of this node's data."),
    key("meta", "bind-address", ValueKind::Bind, META_RAFT_BIND, "Where to listen for Raft, spoken by meta nodes only."),
    key("meta", "http-bind-address", ValueKind::Bind, META_HTTP_BIND, "Where to listen for the HTTP API."),
    key("meta", "peers", ValueKind::Addresses { port: META_HTTP_PORT }, "", "All founding meta nodes, this one included; the same on each of them.")
        .flag(),
    key(
        "meta",
        "bootstrap-expect",
        ValueKind::Count,
        "",
        "With peers: their number (the default), or 0 = never found a cluster, only join one. Without: 1 = as -single-server.",
    )
    .flag(),
    key("meta", "cluster-name", ValueKind::Text, "", "Nodes of another name are never joined, nor founded with.").flag(),
    key(
        "meta",
        "join-timeout",
        ValueKind::Duration { at_least: Duration::ZERO },
        "0s",
        "Exit with 75 when there is no cluster after this long; 0 = wait for ever.",
    )
    .flag(),
    key(
        "meta",
        "add-data",
        ValueKind::Addresses { port: DATA_RPC_PORT },
        "",
        "Data nodes to add once they answer, each once: one that was removed is not added again.",
    ),
    key("meta", "internal-shared-secret", ValueKind::Text, "", "What meta and data nodes prove to each other; the same on all.")
        .secret(),
    key("meta", "retention-autocreate", ValueKind::Bool, "true", "New databases get the retention policy `autogen`."),
    key("meta", "heartbeat-timeout", at_least(50), "1s", "With election-timeout: how soon a lost leader is replaced."),
    key(
        "meta",
        "election-timeout",
        at_least(50),
        "1s",
        "The greater of both, B: heartbeats each 0.1 B; a leader that fell silent is replaced within about 1 B.",
    ),
    key("meta", "leader-lease-timeout", at_least(1), "500ms", "Kept for old files.")
        .effect(Effect::None("a leader answers for a majority at each read and write, without a lease")),
    key("meta", "commit-timeout", at_least(1), "50ms", "Kept for old files.")
        .effect(Effect::None("followers are told of commits at once")),
    key("meta", "consensus-timeout", at_least(100), "30s", "How long a command waits for a leader and a majority."),
    key("meta", "gossip-frequency", at_least(250), "5s", "How often this node tells members what it knows of others."),
    key("meta", "announcement-expiration", at_least(250), "30s", "Age after which what was told of a node is stale."),
    key("meta", "lease-duration", at_least(1000), "1m0s", "Lifetime of data nodes' work leases."),
    key("meta", "auth-enabled", ValueKind::Bool, "false", "Callers of the HTTP API must show who they are; needs internal-shared-secret."),
    key(
        "meta",
        "auth-method",
        ValueKind::Choice(&["all", "jwt", "userpass"]),
        "all",
        "How people may, with auth-enabled: by tokens (jwt), by passwords (userpass), or both. Nodes have their own tokens.",
    ),
    key("meta", "shared-secret", ValueKind::Text, "", "With auth-enabled: signs the tokens of people and their programs.").secret(),
    key("meta", "ldap-allowed", ValueKind::Bool, "false", "Whether an LDAP configuration may be set.")
        .effect(Effect::None("LDAP is not built yet: nothing can be set")),
    key("meta", "password-hash", ValueKind::PasswordHash, "bcrypt", "How new passwords are hashed.")
        .effect(Effect::Protection("hashing passwords is not built yet")),
    key("meta", "ensure-fips", ValueKind::Bool, "false", "Start only with FIPS cryptography.")
        .effect(Effect::Protection("FIPS cryptography is not built yet")),
    key("meta", "raft-portal-auth-required", ValueKind::Bool, "false", "Raft connections must be authenticated by the caller.")
        .effect(Effect::Protection(
            "it is not built yet; a cluster founded with internal-shared-secret authenticates both sides by itself",
        )),
    key("meta", "raft-dialer-auth-required", ValueKind::Bool, "false", "Raft connections must be authenticated by the callee.")
        .effect(Effect::Protection(
            "it is not built yet; a cluster founded with internal-shared-secret authenticates both sides by itself",
        )),
    key("meta", "https-enabled", ValueKind::Bool, "false", "TLS on 8091 and 8089.").effect(Effect::Protection(NO_TLS)),
    key("meta", "https-certificate", ValueKind::Text, "", "PEM certificate, or certificate and key.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-private-key", ValueKind::Text, "", "PEM key.").effect(Effect::None(NO_TLS)),
    key("meta", "https-insecure-certificate", ValueKind::Bool, "false", "Do not check the files' permissions.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-insecure-tls", ValueKind::Bool, "false", "Do not verify meta nodes' certificates.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-ignore-sanity-checks", ValueKind::Bool, "false", "Load unusual certificates too.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-client-certificate", ValueKind::Text, "", "Certificate shown to nodes that this one dials.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-client-private-key", ValueKind::Text, "", "Its key.").effect(Effect::None(NO_TLS)),
    key(
        "meta",
        "https-client-auth-type",
        ValueKind::Choice(&[
            "NoClientCert",
            "RequestClientCert",
            "RequireAnyClientCert",
            "VerifyClientCertIfGiven",
            "RequireAndVerifyClientCert",
        ]),
        "NoClientCert",
        "Whether callers must show a certificate.",
    )
    .effect(Effect::Protection(NO_TLS)),
    key("meta", "https-client-ca.paths", ValueKind::Texts, "", "Authorities of callers' certificates.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-client-ca.include-system", ValueKind::Bool, "false", "The system's authorities too.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-root-ca.paths", ValueKind::Texts, "", "Authorities of dialled nodes' certificates.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "https-root-ca.include-system", ValueKind::Bool, "false", "The system's authorities too.")
        .effect(Effect::None(NO_TLS)),
    key("meta", "data-use-tls", ValueKind::Bool, "false", "TLS towards data nodes, on their 8088."),
    key("meta", "data-insecure-tls", ValueKind::Bool, "false", "With data-use-tls: do not verify data nodes' certificates."),
    key("meta", "cluster-tracing", ValueKind::Bool, "false", "Log each HTTP request.")
        .effect(Effect::None("requests are counted in /metrics, not logged yet")),
    key("meta", "logging-enabled", ValueKind::Bool, "true", "Kept for old files.")
        .effect(Effect::None("`[logging] level` decides what is logged")),
    key("meta", "pprof-enabled", ValueKind::Bool, "true", "Kept for old files.")
        .effect(Effect::AlwaysTrue("there is no /debug/pprof here")),
    key("meta", "debug-pprof-enabled", ValueKind::Bool, "false", "Kept for old files.")
        .effect(Effect::None("there is no pprof here")),
    key(
        "logging",
        "format",
        ValueKind::Choice(&["auto", "logfmt", "json", "console"]),
        "auto",
        "auto = console on a terminal, else logfmt.",
    ),
    key("logging", "level", ValueKind::Choice(&["error", "warn", "info", "debug"]), "info", "The least that is logged."),
    key("logging", "suppress-logo", ValueKind::Bool, "false", "No banner at start; it is only shown on a terminal."),
    key("tls", "ciphers", ValueKind::Texts, "", "Allowed cipher suites.").effect(Effect::None(NO_TLS)),
    key("tls", "min-version", ValueKind::Text, "", "Oldest TLS version.").effect(Effect::None(NO_TLS)),
    key("tls", "max-version", ValueKind::Text, "", "Newest TLS version.").effect(Effect::None(NO_TLS)),
    key("tls", "advanced-expiration", at_least(0), "5d", "How early to warn of expiring certificates.")
        .effect(Effect::None(NO_TLS)),
];

/// Keys of data nodes that share the `[meta]` section there: accepted in silence.
pub(super) const DATA_NODE_KEYS: &[&str] = &[
    "meta-tls-enabled",
    "meta-insecure-tls",
    "meta-auth-enabled",
    "meta-internal-shared-secret",
    "meta-client-certificate",
    "meta-client-private-key",
    "meta-insecure-certificate",
    "meta-ignore-cert-sanity-checks",
    "meta-root-ca",
];

/// Sections of data nodes' files: people share one environment or file between both kinds of node.
pub(super) const DATA_NODE_SECTIONS: &[&str] = &[
    "admin",
    "anti-entropy",
    "cluster",
    "collectd",
    "continuous_queries",
    "coordinator",
    "data",
    "flux-controller",
    "graphite",
    "hinted-handoff",
    "http",
    "ifql",
    "monitor",
    "opentsdb",
    "retention",
    "shard-precreation",
    "subscriber",
    "udp",
];

/// Variables with our prefix that are no keys.
pub(super) const OTHER_VARIABLES: &[&str] = &[
    "INFLUXDB_META_CONFIG_PATH",
    // Of data nodes and their image.
    "INFLUXDB_CONFIG_PATH",
    "INFLUXDB_VERSION",
    "INFLUXDB_GOSSIP_FREQUENCY",
    // Of the official image's first start.
    "INFLUXDB_ADMIN_USER",
    "INFLUXDB_ADMIN_PASSWORD",
    "INFLUXDB_USER",
    "INFLUXDB_USER_PASSWORD",
    "INFLUXDB_DB",
    "INFLUXDB_READ_USER",
    "INFLUXDB_READ_USER_PASSWORD",
    "INFLUXDB_WRITE_USER",
    "INFLUXDB_WRITE_USER_PASSWORD",
    "INFLUXDB_INIT_PWD",
];
