//! Keys, sections and variables of data nodes and of images, which files and environments of meta
//! nodes may have, too.

/// Keys of data nodes in their `[meta]` section. Accepted without a notice.
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

/// Sections of data nodes' files. Operators share one file or environment between both kinds of
/// node.
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

/// Variables with our prefix that belong to no key.
pub(super) const OTHER_VARIABLES: &[&str] = &[
    "INFLUXDB_META_CONFIG_PATH",
    // Read by data nodes and their image.
    "INFLUXDB_CONFIG_PATH",
    "INFLUXDB_VERSION",
    "INFLUXDB_GOSSIP_FREQUENCY",
    // Read by the official image at its first start.
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
