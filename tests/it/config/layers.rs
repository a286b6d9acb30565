//! Sources of values, and their precedence.

use influxdb_meta::config::{self, KEYS, KeySpec, ValueKind, keys};

use super::{file, inputs, load, with_file};

/// A good value of each kind that is not the default: as text, and in TOML.
fn sample(key: &KeySpec) -> (String, String) {
    let quoted = |text: &str| (text.to_owned(), format!("{text:?}"));
    match key.kind {
        ValueKind::Bool if key.default == "true" => ("false".into(), "false".into()),
        ValueKind::Bool => ("true".into(), "true".into()),
        ValueKind::Text | ValueKind::Host => quoted("some-text"),
        ValueKind::AbsolutePath => quoted("/some/path"),
        ValueKind::Bind => quoted("127.0.0.1:7001"),
        ValueKind::Duration { .. } => quoted("11m0s"),
        ValueKind::Count => ("7".into(), "7".into()),
        ValueKind::Size { .. } => quoted("7m"),
        ValueKind::Choice(choices) => quoted(choices[choices.len() - 1]),
        ValueKind::PasswordHash => quoted("pbkdf2-sha256;rounds=64000;salt_len=32"),
        ValueKind::Texts => ("a,b".into(), "[\"a\", \"b\"]".into()),
        ValueKind::Addresses { .. } => (
            "meta-1,meta-2:9".into(),
            "[\"meta-1\", \"meta-2:9\"]".into(),
        ),
    }
}

fn in_toml(key: &KeySpec, value: &str) -> String {
    let section = if key.section.is_empty() {
        String::new()
    } else {
        format!("[{}]\n", key.section)
    };
    format!("{section}{} = {value}\n", key.name)
}

/// Returns the resulting value of a key, or that its good value was understood and refused for
/// what it asks for, or needs beside it.
fn outcome(key: &KeySpec, inputs: &config::Inputs) -> String {
    match config::resolve(inputs) {
        Ok((settings, _)) => format!("{:?}", settings.setting(key)),
        Err(invalid) => {
            let text = invalid.to_string();
            let expected = text.contains("asks for a protection")
                || text.contains("bootstrap-expect = 7")
                || text.contains("internal-shared-secret is blank")
                || text.contains("needs internal-shared-secret")
                || text.contains("the licence file some-text");
            assert!(expected && invalid.problems.len() == 1, "{key}: {text}");
            "understood".into()
        }
    }
}

#[test]
fn every_key_is_read_from_file_and_variable_and_flag_alike() {
    for key in KEYS {
        let default = outcome(key, &inputs(&[]));
        let (text, toml) = sample(key);
        let by_variable = outcome(key, &inputs(&[(&key.variable(), &text)]));
        assert_ne!(by_variable, default, "{key} by variable");
        let (_folder, path) = file(&in_toml(key, &toml));
        assert_eq!(
            outcome(key, &with_file(&path, &[])),
            by_variable,
            "{key} by file"
        );
        if key.flag {
            let mut by_flag = inputs(&[]);
            by_flag.flags.keys.push((key, text));
            assert_eq!(outcome(key, &by_flag), by_variable, "{key} by flag");
        }
    }
}

#[test]
fn names_of_variables_follow_the_rule() {
    let named = |path: &str| {
        KEYS.iter()
            .find(|key| key.path() == path)
            .map(KeySpec::variable)
    };
    for (path, variable) in [
        ("hostname", "INFLUXDB_HOSTNAME"),
        ("reporting-disabled", "INFLUXDB_REPORTING_DISABLED"),
        ("meta.dir", "INFLUXDB_META_DIR"),
        ("meta.http-bind-address", "INFLUXDB_META_HTTP_BIND_ADDRESS"),
        (
            "meta.https-root-ca.include-system",
            "INFLUXDB_META_HTTPS_ROOT_CA_INCLUDE_SYSTEM",
        ),
        ("enterprise.license-key", "INFLUXDB_ENTERPRISE_LICENSE_KEY"),
        ("logging.level", "INFLUXDB_LOGGING_LEVEL"),
    ] {
        assert_eq!(named(path).as_deref(), Some(variable));
    }
}

#[test]
fn flags_beat_variables_beat_the_file_beats_defaults() {
    let (_folder, path) = file("hostname = \"by-file\"");
    let name = |inputs: &config::Inputs| config::load(inputs).expect("valid").cluster.hostname;
    assert_eq!(name(&inputs(&[])), None);
    assert_eq!(name(&with_file(&path, &[])).as_deref(), Some("by-file"));
    let mut all = with_file(&path, &[("INFLUXDB_HOSTNAME", "by-variable")]);
    assert_eq!(name(&all).as_deref(), Some("by-variable"));
    all.flags
        .keys
        .push((&keys::HOSTNAME.spec, "by-flag".into()));
    assert_eq!(name(&all).as_deref(), Some("by-flag"));
}

#[test]
fn an_empty_value_is_no_value_in_every_layer() {
    let (_folder, path) = file("[meta]\ndir = \"/by/file\"\ngossip-frequency = \"\"\n");
    let config = config::load(&with_file(&path, &[("INFLUXDB_META_DIR", "")])).expect("valid");
    assert_eq!(config.dir.to_str(), Some("/by/file"));
    assert_eq!(config.cluster.gossip_frequency.as_secs(), 5);
    let config = load(&[("INFLUXDB_META_PEERS", " , ,")]).expect("valid");
    assert!(config.cluster.peers.is_empty());
}

#[test]
fn defaults_reach_the_modules() {
    let config = load(&[]).expect("valid");
    assert_eq!(config.dir.to_str(), Some("/var/lib/influxdb/meta"));
    assert_eq!((config.http_bind.port, config.raft_bind.port), (8091, 8089));
    assert_eq!(
        (
            config.cluster.http_bind.as_str(),
            config.cluster.raft_bind.as_str()
        ),
        (":8091", ":8089")
    );
    assert_eq!(config.consensus_timeout.as_secs(), 30);
    assert_eq!(config.cluster.raft.base.as_secs(), 1);
    assert!(config.cluster.raft.retention_autocreate);
    assert_eq!(config.cluster.system_host_name, "box");
    assert!(config.cluster.join_timeout.is_zero());
    assert!(!config.cluster.single_server);
}

/// B = max(heartbeat-timeout, election-timeout): both set to their documented default is the same
/// as unset.
#[test]
fn the_greater_timeout_is_the_base() {
    let base = |heartbeat, election| {
        let set = [
            ("INFLUXDB_META_HEARTBEAT_TIMEOUT", heartbeat),
            ("INFLUXDB_META_ELECTION_TIMEOUT", election),
        ];
        load(&set).expect("valid").cluster.raft.base.as_millis()
    };
    assert_eq!(base("", ""), 1000);
    assert_eq!(base("1s", "1s"), 1000);
    assert_eq!(base("200ms", "300ms"), 300);
    assert_eq!(base("3s", "300ms"), 3000);
}

#[test]
fn marks_of_editors_and_data_nodes_files_are_tolerated() {
    let (_folder, path) =
        file("\u{feff}hostname = \"h\"\n[meta]\nmeta-insecure-tls = true\n[http]\nx = 1\n");
    let config = config::load(&with_file(&path, &[])).expect("valid");
    assert_eq!(config.cluster.hostname.as_deref(), Some("h"));
    assert_eq!(config.notices, []);
}

#[test]
fn inline_tables_and_numbered_variables_are_lists_too() {
    let (_folder, path) =
        file("[meta]\nhttps-root-ca = { paths = [\"a\"], include-system = true }\n");
    let (settings, _) = config::resolve(&with_file(&path, &[])).expect("valid");
    assert_eq!(settings.get(keys::META_HTTPS_ROOT_CA_PATHS), ["a"]);
    assert!(settings.get(keys::META_HTTPS_ROOT_CA_INCLUDE_SYSTEM));
    let numbered = [
        ("INFLUXDB_TLS_CIPHERS_0", "A"),
        ("INFLUXDB_TLS_CIPHERS_1", "B"),
    ];
    let (settings, _) = config::resolve(&inputs(&numbered)).expect("valid");
    assert_eq!(settings.get(keys::TLS_CIPHERS), ["A", "B"]);
}

#[test]
fn booleans_are_read_as_go_reads_them() {
    for (text, want) in [
        ("1", true),
        ("t", true),
        ("TRUE", true),
        ("True", true),
        ("0", false),
        ("F", false),
    ] {
        let config = load(&[("INFLUXDB_META_RETENTION_AUTOCREATE", text)]).expect("valid");
        assert_eq!(config.cluster.raft.retention_autocreate, want, "{text}");
    }
}

/// Printing and reading again changes nothing: this is how files are upgraded.
#[test]
fn what_config_prints_is_a_file_with_the_same_meaning() {
    let set = [
        ("INFLUXDB_HOSTNAME", "h"),
        ("INFLUXDB_META_PEERS", "h,i:9,[fd00::1]"),
        ("INFLUXDB_META_BOOTSTRAP_EXPECT", "3"),
        ("INFLUXDB_META_CLUSTER_NAME", "a \"b\" \\ é \u{7f} \n c"),
        ("INFLUXDB_META_INTERNAL_SHARED_SECRET", "s3cret"),
        ("INFLUXDB_META_JOIN_TIMEOUT", "1m30s"),
        ("INFLUXDB_TLS_CIPHERS", "A,B"),
        ("INFLUXDB_META_BIND_ADDRESS", "[::1]:7"),
    ];
    let (settings, _) = config::resolve(&inputs(&set)).expect("valid");
    let printed = config::toml(&settings, true);
    let (_folder, path) = file(&printed);
    let (again, _) =
        config::resolve(&with_file(&path, &[])).unwrap_or_else(|invalid| panic!("{invalid}"));
    for key in KEYS {
        assert_eq!(again.setting(key), settings.setting(key), "{key}");
    }
    assert_eq!(config::toml(&again, true), printed);
}

/// A file that sets every key to its default asks for nothing special, so there is no warning.
#[test]
fn a_generated_file_gives_no_warnings() {
    let (settings, _) = config::resolve(&inputs(&[])).expect("valid");
    let (_folder, path) = file(&config::toml(&settings, false));
    let config = config::load(&with_file(&path, &[])).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!(config.notices, []);
}
