//! Name and version of this program.

/// Release of InfluxDB Enterprise whose clients and data nodes this program serves.
pub const COMPATIBLE_WITH: &str = "1.12.4";

/// `<compatible InfluxDB>-c<our version>`: `1.12.4-c0.1.0`. InfluxDB Enterprise prints its releases
/// the same way.
pub const VERSION: &str = concat!("1.12.4-c", env!("CARGO_PKG_VERSION"));

/// Commit of the source; `unknown` if the build was not given it.
pub const COMMIT: &str = known(option_env!("INFLUXDB_META_COMMIT"));
const BRANCH: &str = known(option_env!("INFLUXDB_META_BRANCH"));
const BUILT: &str = known(option_env!("INFLUXDB_META_BUILT"));

/// Output of `influxd-meta version`.
pub fn line() -> String {
    format!("InfluxDB Meta v{VERSION} (git: {BRANCH} {COMMIT}, build: {BUILT})")
}

/// Output of `influxd-ctl version`.
pub fn tool_line() -> String {
    format!("influxd-ctl v{VERSION} (git: {BRANCH} {COMMIT}, build: {BUILT})")
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
