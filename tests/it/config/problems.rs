//! Problems and notices are reported with the source, the key, the value and what is allowed.

use influxdb_meta::config::{self, keys};

use super::{file, inputs, notices, with_file, wrong};

#[test]
fn everything_wrong_is_said_at_once() {
    let (_folder, path) = file("hostname = 5\n[meta]\ndir = [\"x\"]\nheartbeat-timeout = 7\n");
    let mut all = with_file(
        &path,
        &[
            ("INFLUXDB_META_GOSSIP_FREQUENCY", "10ms"),
            ("INFLUXDB_LOGGING_LEVEL", "loud"),
        ],
    );
    all.flags
        .keys
        .push((&keys::META_JOIN_TIMEOUT.spec, "soon".into()));
    let invalid = config::load(&all).expect_err("wrong in six places");
    assert_eq!((invalid.problems.len(), invalid.exit_code()), (6, 78));
    let text = invalid.to_string();
    let file = format!("file {}", path.display());
    for line in [
        format!(
            "{file}: hostname = 5 is a number, not text in quotes; allowed: a host name or IP \
             address, without a port"
        ),
        format!("{file}: [meta] dir = [\"x\"] is a list, not text in quotes"),
        format!(
            "{file}: [meta] heartbeat-timeout = 7 has no unit; allowed: a duration like 500ms or \
             1m30s, at least 50ms"
        ),
        "environment variable INFLUXDB_META_GOSSIP_FREQUENCY: [meta] gossip-frequency = \"10ms\" \
         is too short; allowed: a duration like 500ms or 1m30s, at least 250ms"
            .into(),
        "environment variable INFLUXDB_LOGGING_LEVEL: [logging] level = \"loud\" is none of them; \
         allowed: error, warn, info, debug"
            .into(),
        "flag -join-timeout: [meta] join-timeout = \"soon\" has the unknown unit \"soon\"".into(),
    ] {
        assert!(text.contains(&line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn a_date_is_no_text() {
    let (_folder, path) = file("hostname = 2026-01-02\n[meta]\ndir = 2026-01-02\n");
    let text = config::load(&with_file(&path, &[]))
        .expect_err("two dates")
        .to_string();
    for key in ["hostname", "[meta] dir"] {
        let line = format!("{key} = 2026-01-02 is a date, not text in quotes");
        assert!(text.contains(&line), "{line}\nis not in\n{text}");
    }
}

/// A duration may be a bare 0, as Go's own durations may.
#[test]
fn a_bare_zero_is_a_duration() {
    let (_folder, path) = file("[meta]\njoin-timeout = 0\n");
    config::load(&with_file(&path, &[])).expect("for ever");
}

#[test]
fn a_quota_has_a_unit_or_is_a_number_of_bytes() {
    for (value, bytes) in [
        ("\"1m\"", 1 << 20),
        ("3000000", 3_000_000),
        ("\"\"", 256 << 20),
    ] {
        let (_folder, path) = file(&format!("[meta]\ncatalog-quota = {value}\n"));
        let config = config::load(&with_file(&path, &[])).expect("valid");
        assert_eq!(config.cluster.raft.catalog_quota, bytes, "{value}");
    }
    for (value, why) in [
        ("0", "is too small"),
        ("1048575", "is too small"),
        ("513m", "is too large"),
        ("1g", "is too large"),
        (
            "much",
            "is no number of bytes, and none with the unit k, m or g",
        ),
        (
            "-1",
            "is no number of bytes, and none with the unit k, m or g",
        ),
    ] {
        let text = wrong(&[("INFLUXDB_META_CATALOG_QUOTA", value)]);
        let want =
            format!("catalog-quota = {value:?} {why}; allowed: a size like 256m, from 1m to 512m");
        assert!(text.contains(&want), "{want}\nis not in\n{text}");
    }
}

#[test]
fn a_value_that_is_overridden_does_not_count() {
    let (_folder, path) = file("hostname = 5\n");
    let config = config::load(&with_file(&path, &[("INFLUXDB_HOSTNAME", "h")])).expect("valid");
    assert_eq!(config.cluster.hostname.as_deref(), Some("h"));
}

#[test]
fn each_bad_peer_is_named_with_the_reason() {
    let text = wrong(&[(
        "INFLUXDB_META_PEERS",
        "meta-1,'meta-2',http://meta-3,meta-4/x,meta-5:0,me ta",
    )]);
    for reason in [
        "\"'meta-2'\" has quotes: write the address without them",
        "\"http://meta-3\" has a scheme: write host or host:port",
        "\"meta-4/x\" has a path: write host or host:port",
        "\"meta-5:0\" has a port that is no number from 1 to 65535",
        "\"me ta\" is no host name or IP address",
    ] {
        assert!(text.contains(reason), "{reason}\nis not in\n{text}");
    }
    assert!(text.contains("5 problems"), "{text}");
}

#[test]
fn wrong_values_of_each_kind() {
    for (variable, value, why) in [
        (
            "INFLUXDB_META_RETENTION_AUTOCREATE",
            "maybe",
            "is text, not true or false",
        ),
        (
            "INFLUXDB_META_BOOTSTRAP_EXPECT",
            "many",
            "is text, not a whole number",
        ),
        (
            "INFLUXDB_META_BOOTSTRAP_EXPECT",
            "-1",
            "is text, not a whole number",
        ),
        ("INFLUXDB_META_BIND_ADDRESS", "8089", "has no port"),
        (
            "INFLUXDB_META_BIND_ADDRESS",
            "a:99999",
            "has a port that is no number",
        ),
        (
            "INFLUXDB_META_HTTP_BIND_ADDRESS",
            "http://a:1",
            "has a scheme",
        ),
        ("INFLUXDB_HOSTNAME", "meta-1:8091", "has a port"),
        ("INFLUXDB_HOSTNAME", "http://meta-1", "has a scheme"),
        (
            "INFLUXDB_META_JOIN_TIMEOUT",
            "5",
            "has a number without a unit",
        ),
        ("INFLUXDB_META_HEARTBEAT_TIMEOUT", "0", "is too short"),
        (
            "INFLUXDB_META_AUTH_METHOD",
            "magic",
            "is none of them; allowed: all, jwt, userpass",
        ),
        (
            "INFLUXDB_META_PASSWORD_HASH",
            "md5",
            "has an unknown scheme",
        ),
        (
            "INFLUXDB_META_PASSWORD_HASH",
            "bcrypt;cost=99",
            "has cost=99, allowed is 4 to 31",
        ),
        (
            "INFLUXDB_META_PASSWORD_HASH",
            "bcrypt;salt_len=9",
            "has the unknown option \"salt_len\"",
        ),
    ] {
        let text = wrong(&[(variable, value)]);
        assert!(
            text.contains(&format!("environment variable {variable}:")),
            "{text}"
        );
        assert!(text.contains(why), "{why}\nis not in\n{text}");
    }
}

#[test]
fn unknown_names_warn_and_name_the_nearest() {
    assert_eq!(
        notices(&[
            ("INFLUXDB_META_PEER", "x"),
            ("INFLUXDB_META_BOOSTRAP_EXPECT", "3"),
            ("INFLUXDB_ZOO", "x")
        ]),
        [
            "environment variable INFLUXDB_META_BOOSTRAP_EXPECT names no key \
             (did you mean INFLUXDB_META_BOOTSTRAP_EXPECT?); it is ignored",
            "environment variable INFLUXDB_META_PEER names no key (did you mean \
             INFLUXDB_META_PEERS?); it is ignored",
            "environment variable INFLUXDB_ZOO names no key; it is ignored",
        ]
    );
    let (_folder, path) = file("hostnam = \"x\"\n[meta]\npears = []\n[mta]\nx = 1\n");
    let config = config::load(&with_file(&path, &[])).expect("valid");
    let texts: Vec<_> = config
        .notices
        .iter()
        .map(|notice| notice.text.as_str())
        .collect();
    let at = format!("file {}", path.display());
    assert_eq!(
        texts,
        [
            format!(
                "{at}: there is no key hostnam above the first section (did you mean hostname?); \
                 it is ignored"
            ),
            format!("{at}: there is no key pears in [meta] (did you mean peers?); it is ignored"),
            format!("{at}: there is no section [mta] (did you mean meta?); it is ignored"),
        ]
    );
}

#[test]
fn variables_of_others_are_ignored_in_silence() {
    let none: [String; 0] = [];
    let of_others = [
        ("INFLUXDB_DATA_QUERY_LOG_ENABLED", "true"),
        ("INFLUXDB_HTTP_AUTH_ENABLED", "false"),
        ("INFLUXDB_META_META_TLS_ENABLED", "false"),
        ("INFLUXDB_META_META_INSECURE_TLS", "true"),
        ("INFLUXDB_META_SERVICE_HOST", "10.0.0.1"),
        ("INFLUXDB_META_PORT", "tcp://10.0.0.1:8091"),
        ("INFLUXDB_META_PORT_8091_TCP_ADDR", "10.0.0.1"),
        ("INFLUXDB_VERSION", "1.12.4"),
        ("INFLUXDB_ZOO", ""),
        ("META_META_DIR", "x"),
    ];
    assert_eq!(notices(&of_others), none);
}

#[test]
fn a_key_without_effect_is_said_once_and_only_when_it_asks_for_something() {
    assert_eq!(
        notices(&[
            ("INFLUXDB_META_COMMIT_TIMEOUT", "5s"),
            ("INFLUXDB_META_CLUSTER_TRACING", "false")
        ]),
        [
            "environment variable INFLUXDB_META_COMMIT_TIMEOUT: [meta] commit-timeout = \"5s\" has \
             no effect here: followers are told of commits at once"
        ]
    );
    assert_eq!(
        notices(&[("INFLUXDB_META_DATA_INSECURE_TLS", "true")]),
        [
            "environment variable INFLUXDB_META_DATA_INSECURE_TLS: [meta] data-insecure-tls = true \
             has no effect without data-use-tls"
        ]
    );
    let none: [String; 0] = [];
    assert_eq!(
        notices(&[
            ("INFLUXDB_META_DATA_USE_TLS", "1"),
            ("INFLUXDB_META_DATA_INSECURE_TLS", "1")
        ]),
        none
    );
    assert_eq!(
        notices(&[
            ("INFLUXDB_REPORTING_DISABLED", "true"),
            ("INFLUXDB_META_PPROF_ENABLED", "0")
        ]),
        none
    );
}

/// Such keys are never ignored: an operator who sets one relies on it.
#[test]
fn a_protection_that_is_not_built_stops_the_start() {
    for (variable, value) in [
        ("INFLUXDB_META_HTTPS_ENABLED", "true"),
        ("INFLUXDB_META_ENSURE_FIPS", "true"),
        ("INFLUXDB_META_PASSWORD_HASH", "pbkdf2-sha512"),
        (
            "INFLUXDB_META_HTTPS_CLIENT_AUTH_TYPE",
            "RequireAndVerifyClientCert",
        ),
    ] {
        let text = wrong(&[(variable, value)]);
        assert!(
            text.contains(variable) && text.contains("asks for a protection"),
            "{text}"
        );
    }
    let both = wrong(&[
        ("INFLUXDB_META_HTTPS_ENABLED", "true"),
        ("INFLUXDB_META_ENSURE_FIPS", "true"),
    ]);
    assert!(both.contains("2 problems"), "{both}");
    assert!(super::load(&[("INFLUXDB_META_HTTPS_ENABLED", "false")]).is_ok());
}

#[test]
fn files_that_are_no_toml_or_not_there() {
    let (_folder, path) = file("hostname = \n[meta");
    let invalid = config::load(&with_file(&path, &[("INFLUXDB_LOGGING_LEVEL", "loud")]))
        .expect_err("both wrong");
    let text = invalid.to_string();
    assert!(
        text.contains(&format!("{}: is no valid TOML", path.display())),
        "{text}"
    );
    assert!(text.contains("INFLUXDB_LOGGING_LEVEL"), "{text}");

    let missing = path.with_file_name("missing");
    let invalid = config::load(&with_file(&missing, &[])).expect_err("missing");
    assert_eq!(invalid.exit_code(), 78);
    assert!(
        invalid
            .to_string()
            .contains("named by flag -config, does not exist"),
        "{invalid}"
    );
    let named = [(
        "INFLUXDB_META_CONFIG_PATH",
        missing.to_str().expect("a path"),
    )];
    assert!(
        wrong(&named)
            .contains("named by environment variable INFLUXDB_META_CONFIG_PATH, does not exist")
    );
}

/// The image names this file in the variable, and a volume over /etc/influxdb may hide it.
#[test]
fn the_usual_file_may_be_missing_and_the_home_is_looked_at() {
    let (folder, path) = file("hostname = \"h\"");
    if !std::path::Path::new(config::DEFAULT_PATH).exists() {
        let config =
            super::load(&[("INFLUXDB_META_CONFIG_PATH", config::DEFAULT_PATH)]).expect("valid");
        assert_eq!(config.file, None);
    }
    let in_home = folder.path().join(".influxdb/influxdb-meta.conf");
    std::fs::create_dir(folder.path().join(".influxdb")).expect("a folder");
    std::fs::rename(&path, &in_home).expect("moved");
    let mut inputs = inputs(&[("HOME", folder.path().to_str().expect("a path"))]);
    inputs.variables.remove("INFLUXDB_META_CONFIG_PATH");
    assert_eq!(config::load(&inputs).expect("valid").file, Some(in_home));
}

#[test]
fn licences_are_checked_as_documented() {
    let (_folder, path) = file("{}");
    let path = path.to_str().expect("a path");
    assert!(notices(&[("INFLUXDB_ENTERPRISE_LICENSE_PATH", path)])[0].contains("needs no licence"));
    let both = [
        ("INFLUXDB_ENTERPRISE_LICENSE_PATH", path),
        ("INFLUXDB_ENTERPRISE_LICENSE_KEY", "k"),
    ];
    assert!(wrong(&both).contains("are both set"));
    assert!(
        wrong(&[("INFLUXDB_ENTERPRISE_LICENSE_PATH", "/no/such")])
            .contains("the licence file /no/such")
    );
}
