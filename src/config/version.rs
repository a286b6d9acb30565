//! What this program calls itself.

/// The InfluxDB Enterprise release whose clients and data nodes we serve.
pub const COMPATIBLE_WITH: &str = "1.12.4";

/// `<compatible InfluxDB>-c<our version>`: `1.12.4-c0.1.0`. The product prints its own releases the
/// same way.
pub const VERSION: &str = concat!("1.12.4-c", env!("CARGO_PKG_VERSION"));

/// Where the source stood, as far as the build knew.
pub const COMMIT: &str = known(option_env!("INFLUXDB_META_COMMIT"));
const BRANCH: &str = known(option_env!("INFLUXDB_META_BRANCH"));
const BUILT: &str = known(option_env!("INFLUXDB_META_BUILT"));

/// What `influxd-meta version` prints.
pub fn line() -> String {
    format!("InfluxDB Meta v{VERSION} (git: {BRANCH} {COMMIT}, build: {BUILT})")
}

const fn known(text: Option<&'static str>) -> &'static str {
    match text {
        Some(text) if !text.is_empty() => text,
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_begins_with_what_it_is_compatible_with() {
        assert!(super::VERSION.starts_with(&format!("{}-c", super::COMPATIBLE_WITH)));
    }
}
