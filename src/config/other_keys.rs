//! Keys, sections and variables of data nodes and of images, which files and environments of meta
//! nodes may have, too.

use figment::value::Value;

use super::key::KeySpec;
use super::keys::{
    META_AUTH_ENABLED, META_DATA_USE_TLS, META_HTTPS_ENABLED, META_INTERNAL_SHARED_SECRET,
    META_SHARED_SECRET,
};

/// A key with which a data node protects itself. In a file of a meta node it protects nothing.
pub(super) struct DataNodeProtection {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// The key with which a meta node gives the same protection.
    pub(super) here: &'static KeySpec,
}

const fn protection(
    section: &'static str,
    name: &'static str,
    here: &'static KeySpec,
) -> DataNodeProtection {
    DataNodeProtection {
        section,
        name,
        here,
    }
}

pub(super) const DATA_NODE_PROTECTIONS: &[DataNodeProtection] = &[
    protection("meta", "meta-auth-enabled", &META_AUTH_ENABLED.spec),
    protection(
        "meta",
        "meta-internal-shared-secret",
        &META_INTERNAL_SHARED_SECRET.spec,
    ),
    protection("meta", "meta-tls-enabled", &META_HTTPS_ENABLED.spec),
    protection("http", "auth-enabled", &META_AUTH_ENABLED.spec),
    protection("http", "shared-secret", &META_SHARED_SECRET.spec),
    protection("http", "https-enabled", &META_HTTPS_ENABLED.spec),
    protection("cluster", "https-enabled", &META_DATA_USE_TLS.spec),
    protection("coordinator", "https-enabled", &META_DATA_USE_TLS.spec),
];

impl DataNodeProtection {
    pub(super) fn find(section: &str, name: &str) -> Option<&'static Self> {
        DATA_NODE_PROTECTIONS
            .iter()
            .find(|key| key.section == section && key.name == name)
    }

    /// `INFLUXDB_HTTP_AUTH_ENABLED`.
    pub(super) fn variable(&self) -> String {
        let name = format!("INFLUXDB_{}_{}", self.section, self.name);
        name.to_ascii_uppercase().replace('-', "_")
    }
}

/// Whether a value of such a key asks for its protection.
pub(super) fn asks(value: &Value) -> bool {
    match value {
        Value::Bool(_, on) => *on,
        Value::String(_, text) => !matches!(
            text.trim(),
            "" | "0" | "f" | "F" | "false" | "False" | "FALSE"
        ),
        _ => false,
    }
}

/// Keys of data nodes in their `[meta]` section. Accepted. [`DATA_NODE_PROTECTIONS`] may
/// give a notice.
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
