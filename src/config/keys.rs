//! The table of all configuration keys: ours, and every documented key of InfluxDB Enterprise's
//! meta nodes (wire.md 12.1, configuration.md), so that its files and environments parse here.
//!
//! Each key is a constant with the type of its value. A new key is one entry in `keys!`: file,
//! variable, flag, printing and the manual's table follow from it.

mod constructors;

use std::path::PathBuf;
use std::time::Duration;

use super::key::{Effect, Key, KeySpec, ValueKind};
use super::setting::Bind;
use crate::auth::{Method, Secret};
use crate::base::Address;
use crate::base::endpoint::{META_HTTP_BIND, META_HTTP_PORT, META_RAFT_BIND};
use crate::telemetry::logging::{Format, Threshold};
use constructors::{
    addresses, bind, boolean, choice, count, duration, host, one_of, password_hash, path, secret,
    size, text, texts,
};

const NO_TLS: &str = "TLS is not built yet";
const FREE: &str = "this is free software: it needs no licence and contacts no portal";

/// Declares each key as a constant, and [`KEYS`] with all of them in this order.
macro_rules! keys {
    ($(pub const $name:ident: $type:ty = $key:expr;)*) => {
        $(pub const $name: $type = $key;)*

        /// Every key, in the order in which `influxd-meta config` prints them. The keys of one
        /// section stand together.
        pub const KEYS: &[KeySpec] = &[$($name.spec),*];
    };
}

keys! {
    pub const REPORTING_DISABLED: Key<bool> = boolean(
        "",
        "reporting-disabled",
        "false",
        "Usage reports are never sent, whatever this says.",
    )
    .effect(Effect::AlwaysTrue("nothing is ever reported"));
    pub const BIND_ADDRESS: Key<Option<String>> = text(
        "",
        "bind-address",
        "Kept for old files; `[meta] bind-address` is the one that counts.",
    )
    .effect(Effect::None("`[meta] bind-address` is the one that counts"));
    pub const HOSTNAME: Key<Option<String>> = host(
        "",
        "hostname",
        "The name under which other nodes reach this one; unset: see the manual.",
    )
    .flag();
    pub const ENTERPRISE_LICENSE_KEY: Key<Option<Secret>> =
        secret("enterprise", "license-key", "Accepted and not needed.")
            .effect(Effect::None(FREE));
    pub const ENTERPRISE_LICENSE_PATH: Key<PathBuf> = path(
        "enterprise",
        "license-path",
        "",
        "Accepted and not needed; the file must be readable.",
    )
    .effect(Effect::None(FREE));
    pub const ENTERPRISE_REGISTRATION_ENABLED: Key<bool> =
        boolean("enterprise", "registration-enabled", "true", "Kept for old files.")
            .effect(Effect::AlwaysTrue("there is nothing to register with"));
    pub const ENTERPRISE_REGISTRATION_SERVER_URL: Key<Option<String>> =
        text("enterprise", "registration-server-url", "Kept for old files.")
            .effect(Effect::None("there is nothing to register with"));
    pub const ENTERPRISE_MARKETPLACE_ENV: Key<Option<String>> =
        text("enterprise", "marketplace-env", "Kept for old environments.")
            .effect(Effect::None(FREE));
    pub const META_DIR: Key<PathBuf> = Key::new(
        "meta",
        "dir",
        ValueKind::AbsolutePath,
        "/var/lib/influxdb/meta",
        "Directory of this node's data.",
    );
    pub const META_BIND_ADDRESS: Key<Bind> = bind(
        "meta",
        "bind-address",
        META_RAFT_BIND,
        "Where to listen for Raft, spoken by meta nodes only.",
    );
    pub const META_HTTP_BIND_ADDRESS: Key<Bind> =
        bind("meta", "http-bind-address", META_HTTP_BIND, "Where to listen for the HTTP API.");
    pub const META_PEERS: Key<Vec<Address>> = addresses(
        "meta",
        "peers",
        META_HTTP_PORT,
        "All founding meta nodes, this one included; the same on each of them.",
    )
    .flag();
    pub const META_BOOTSTRAP_EXPECT: Key<Option<u64>> = count(
        "meta",
        "bootstrap-expect",
        "With peers: their number (the default), or 0 = never found a cluster, only join one. \
         Without: 1 = as -single-server.",
    )
    .flag();
    pub const META_CLUSTER_NAME: Key<Option<String>> =
        text("meta", "cluster-name", "Nodes of another name are never joined, nor founded with.")
            .flag();
    pub const META_JOIN_TIMEOUT: Key<Duration> = duration(
        "meta",
        "join-timeout",
        0,
        "0s",
        "Exit with 75 when there is no cluster after this long; 0 = wait for ever.",
    )
    .flag();
    pub const META_ADD_DATA: Key<Vec<Address>> = addresses(
        "meta",
        "add-data",
        8088,
        "Data nodes to add once they answer, each once: one that was removed is not added again.",
    );
    pub const META_INTERNAL_SHARED_SECRET: Key<Option<Secret>> = secret(
        "meta",
        "internal-shared-secret",
        "What meta and data nodes prove to each other; the same on all.",
    );
    pub const META_INTERNAL_SHARED_SECRET_OLD: Key<Option<Secret>> = secret(
        "meta",
        "internal-shared-secret-old",
        "While the secret is changed: the one before, still accepted beside the new one.",
    );
    pub const META_CATALOG_QUOTA: Key<u64> = size(
        "meta",
        "catalog-quota",
        1 << 20,
        512 << 20,
        "256m",
        "Largest size of the catalog: at 100 % the leader refuses what makes it larger.",
    )
    .flag();
    pub const META_RETENTION_AUTOCREATE: Key<bool> = boolean(
        "meta",
        "retention-autocreate",
        "true",
        "New databases get the retention policy `autogen`.",
    );
    pub const META_HEARTBEAT_TIMEOUT: Key<Duration> = duration(
        "meta",
        "heartbeat-timeout",
        50,
        "1s",
        "With election-timeout: how soon a lost leader is replaced.",
    );
    pub const META_ELECTION_TIMEOUT: Key<Duration> = duration(
        "meta",
        "election-timeout",
        50,
        "1s",
        "The greater of both, B: heartbeats each 0.1 B; a leader that fell silent is replaced \
         within about 1 B.",
    );
    pub const META_LEADER_LEASE_TIMEOUT: Key<Duration> =
        duration("meta", "leader-lease-timeout", 1, "500ms", "Kept for old files.")
            .effect(Effect::None(
                "a leader answers for a majority at each read and write, without a lease",
            ));
    pub const META_COMMIT_TIMEOUT: Key<Duration> =
        duration("meta", "commit-timeout", 1, "50ms", "Kept for old files.")
            .effect(Effect::None("followers are told of commits at once"));
    pub const META_CONSENSUS_TIMEOUT: Key<Duration> = duration(
        "meta",
        "consensus-timeout",
        100,
        "30s",
        "How long a command waits for its outcome; without a leader it is refused earlier, after 5s.",
    );
    pub const META_GOSSIP_FREQUENCY: Key<Duration> = duration(
        "meta",
        "gossip-frequency",
        250,
        "5s",
        "How often this node tells members what it knows of others.",
    );
    pub const META_ANNOUNCEMENT_EXPIRATION: Key<Duration> = duration(
        "meta",
        "announcement-expiration",
        250,
        "30s",
        "Age after which what was told of a node is stale.",
    );
    pub const META_LEASE_DURATION: Key<Duration> =
        duration("meta", "lease-duration", 1000, "1m0s", "Lifetime of data nodes' work leases.");
    pub const META_AUTH_ENABLED: Key<bool> = boolean(
        "meta",
        "auth-enabled",
        "false",
        "Callers of the HTTP API must show who they are; needs internal-shared-secret.",
    );
    pub const META_AUTH_METHOD: Key<Method> = choice(
        "meta",
        "auth-method",
        "all",
        "How people may, with auth-enabled: by tokens (jwt), by passwords (userpass), or both. \
         Nodes have their own tokens.",
    );
    pub const META_SHARED_SECRET: Key<Option<Secret>> = secret(
        "meta",
        "shared-secret",
        "With auth-enabled: signs the tokens of people and their programs.",
    );
    pub const META_LDAP_ALLOWED: Key<bool> =
        boolean("meta", "ldap-allowed", "false", "Whether an LDAP configuration may be set.")
            .effect(Effect::None("LDAP is not built yet: nothing can be set"));
    pub const META_PASSWORD_HASH: Key<Option<String>> =
        password_hash("meta", "password-hash", "bcrypt", "How new passwords are hashed.")
            .effect(Effect::Protection("hashing passwords is not built yet"));
    pub const META_ENSURE_FIPS: Key<bool> =
        boolean("meta", "ensure-fips", "false", "Start only with FIPS cryptography.")
            .effect(Effect::Protection("FIPS cryptography is not built yet"));
    pub const META_RAFT_PORTAL_AUTH_REQUIRED: Key<bool> = boolean(
        "meta",
        "raft-portal-auth-required",
        "false",
        "Other meta nodes must prove internal-shared-secret to this one, before all have it.",
    );
    pub const META_RAFT_DIALER_AUTH_REQUIRED: Key<bool> = boolean(
        "meta",
        "raft-dialer-auth-required",
        "false",
        "As raft-portal-auth-required: a proof is always of both sides.",
    );
    pub const META_HTTPS_ENABLED: Key<bool> =
        boolean("meta", "https-enabled", "false", "TLS on 8091 and 8089.")
            .effect(Effect::Protection(NO_TLS));
    pub const META_HTTPS_CERTIFICATE: Key<PathBuf> =
        path("meta", "https-certificate", "", "PEM certificate, or certificate and key.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_PRIVATE_KEY: Key<PathBuf> =
        path("meta", "https-private-key", "", "PEM key.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_INSECURE_CERTIFICATE: Key<bool> = boolean(
        "meta",
        "https-insecure-certificate",
        "false",
        "Do not check the files' permissions.",
    )
    .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_INSECURE_TLS: Key<bool> =
        boolean("meta", "https-insecure-tls", "false", "Do not verify meta nodes' certificates.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_IGNORE_SANITY_CHECKS: Key<bool> =
        boolean("meta", "https-ignore-sanity-checks", "false", "Load unusual certificates too.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_CLIENT_CERTIFICATE: Key<PathBuf> = path(
        "meta",
        "https-client-certificate",
        "",
        "Certificate shown to nodes that this one dials.",
    )
    .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_CLIENT_PRIVATE_KEY: Key<PathBuf> =
        path("meta", "https-client-private-key", "", "Its key.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_CLIENT_AUTH_TYPE: Key<Option<String>> = one_of(
        "meta",
        "https-client-auth-type",
        &[
            "NoClientCert",
            "RequestClientCert",
            "RequireAnyClientCert",
            "VerifyClientCertIfGiven",
            "RequireAndVerifyClientCert",
        ],
        "NoClientCert",
        "Whether callers must show a certificate.",
    )
    .effect(Effect::Protection(NO_TLS));
    pub const META_HTTPS_CLIENT_CA_PATHS: Key<Vec<String>> =
        texts("meta", "https-client-ca.paths", "Authorities of callers' certificates.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_CLIENT_CA_INCLUDE_SYSTEM: Key<bool> =
        boolean("meta", "https-client-ca.include-system", "false", "The system's authorities too.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_ROOT_CA_PATHS: Key<Vec<String>> =
        texts("meta", "https-root-ca.paths", "Authorities of dialled nodes' certificates.")
            .effect(Effect::None(NO_TLS));
    pub const META_HTTPS_ROOT_CA_INCLUDE_SYSTEM: Key<bool> =
        boolean("meta", "https-root-ca.include-system", "false", "The system's authorities too.")
            .effect(Effect::None(NO_TLS));
    pub const META_DATA_USE_TLS: Key<bool> =
        boolean("meta", "data-use-tls", "false", "TLS towards data nodes, on their 8088.");
    pub const META_DATA_INSECURE_TLS: Key<bool> = boolean(
        "meta",
        "data-insecure-tls",
        "false",
        "With data-use-tls: do not verify data nodes' certificates.",
    );
    pub const META_CLUSTER_TRACING: Key<bool> =
        boolean("meta", "cluster-tracing", "false", "Log each HTTP request.")
            .effect(Effect::None("requests are counted in /metrics, not logged yet"));
    pub const META_LOGGING_ENABLED: Key<bool> =
        boolean("meta", "logging-enabled", "true", "Kept for old files.")
            .effect(Effect::None("`[logging] level` decides what is logged"));
    pub const META_PPROF_ENABLED: Key<bool> =
        boolean("meta", "pprof-enabled", "true", "Kept for old files.")
            .effect(Effect::AlwaysTrue("there is no /debug/pprof here"));
    pub const META_DEBUG_PPROF_ENABLED: Key<bool> =
        boolean("meta", "debug-pprof-enabled", "false", "Kept for old files.")
            .effect(Effect::None("there is no pprof here"));
    pub const META_RAFT_PROMOTION_ENABLED: Key<bool> =
        boolean("meta", "raft-promotion-enabled", "true", "Kept for files of version 1.0.")
            .effect(Effect::None(
                "a node gets a vote by itself while fewer than five vote; \
                 `bootstrap-expect = 0` is for nodes without a vote",
            ));
    pub const LOGGING_FORMAT: Key<Format> =
        choice("logging", "format", "auto", "auto = console on a terminal, else logfmt.");
    pub const LOGGING_LEVEL: Key<Threshold> =
        choice("logging", "level", "info", "The least that is logged.");
    pub const LOGGING_SUPPRESS_LOGO: Key<bool> = boolean(
        "logging",
        "suppress-logo",
        "false",
        "No banner at start; it is only shown on a terminal.",
    );
    pub const TLS_CIPHERS: Key<Vec<String>> =
        texts("tls", "ciphers", "Allowed cipher suites.")
            .effect(Effect::None(NO_TLS));
    pub const TLS_MIN_VERSION: Key<Option<String>> =
        text("tls", "min-version", "Oldest TLS version.")
            .effect(Effect::None(NO_TLS));
    pub const TLS_MAX_VERSION: Key<Option<String>> =
        text("tls", "max-version", "Newest TLS version.")
            .effect(Effect::None(NO_TLS));
    pub const TLS_ADVANCED_EXPIRATION: Key<Duration> = duration(
        "tls",
        "advanced-expiration",
        0,
        "5d",
        "How early to warn of expiring certificates.",
    )
    .effect(Effect::None(NO_TLS));
}
