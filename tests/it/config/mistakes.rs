//! Values that look right and are not: quotes, placeholders, blanks, relative paths, short secrets,
//! keys that protect data nodes only; and documented defaults, which stop no start.

use influxdb_meta::config::{self, Config, KEYS, ValueKind};

use super::{file, load, notices, with_file, wrong};

const DIR: &str = "INFLUXDB_META_DIR";
const SECRET: &str = "INFLUXDB_META_INTERNAL_SHARED_SECRET";
const LONG: &str = "a long text that nobody guesses";
const NONE: [String; 0] = [];

fn of_file(text: &str) -> Config {
    let (_folder, path) = file(text);
    config::load(&with_file(&path, &[])).unwrap_or_else(|invalid| panic!("{text}: {invalid}"))
}

fn notices_of_file(text: &str) -> Vec<String> {
    let all = of_file(text).notices.into_iter();
    all.map(|notice| notice.text).collect()
}

/// A file for `docker run --env-file` keeps the quotes that a shell would remove.
#[test]
fn quotes_around_a_value_are_refused_for_every_key_of_text() {
    for key in KEYS {
        let is_text = matches!(
            key.kind,
            ValueKind::Text
                | ValueKind::AbsolutePath
                | ValueKind::Texts
                | ValueKind::Host
                | ValueKind::Choice(_)
                | ValueKind::PasswordHash
                | ValueKind::Addresses { .. }
        );
        for quote in ['"', '\'', '`'] {
            if is_text {
                let text = wrong(&[(&key.variable(), &format!("{quote}value{quote}"))]);
                assert!(text.contains("has quotes: write"), "{key}: {text}");
            }
        }
    }
    let in_file = "[meta]\ninternal-shared-secret = \"'abc'\"\n";
    let (_folder, path) = file(in_file);
    let text = config::load(&with_file(&path, &[])).expect_err("quoted");
    let text = text.to_string();
    assert!(
        text.contains("has quotes") && !text.contains("abc"),
        "{text}"
    );
    let inside = load(&[("INFLUXDB_META_CLUSTER_NAME", "the \"best\" one")]).expect("valid");
    assert_eq!(inside.cluster.cluster_name, "the \"best\" one");
}

#[test]
fn placeholders_that_nothing_replaced_are_refused() {
    for value in ["/${DATA}/meta", "/x/<__META_DIR__>", "/x/{{ dir }}"] {
        let text = wrong(&[(DIR, value)]);
        let want = format!("[meta] dir = {value:?} has a placeholder that nothing has replaced");
        assert!(text.contains(&want), "{text}");
    }
    for value in ["${SECRET}", "<__SECRET__>"] {
        assert!(wrong(&[(SECRET, value)]).contains("has a placeholder"));
    }
    // A random secret may contain anything.
    load(&[(SECRET, "8s${7}d0-j2<__as__>k1!")]).expect("valid");
}

#[test]
fn the_directory_is_an_absolute_path() {
    for value in ["meta", "./meta", "~/meta"] {
        let text = wrong(&[(DIR, value)]);
        let want = format!(
            "environment variable {DIR}: [meta] dir = {value:?} is relative: write the whole path"
        );
        assert!(text.contains(&want), "{text}");
    }
}

#[test]
fn blanks_at_the_ends_do_not_count() {
    for value in [" /srv/meta", "/srv/meta \n", "\t/srv/meta\r\n"] {
        let config = load(&[(DIR, value)]).expect("valid");
        assert_eq!(config.dir.to_str(), Some("/srv/meta"));
        let config = of_file(&format!("[meta]\ndir = {value:?}\n"));
        assert_eq!(config.dir.to_str(), Some("/srv/meta"));
    }
    let blank = load(&[(DIR, "  "), ("INFLUXDB_META_AUTH_ENABLED", " false ")]).expect("valid");
    assert_eq!(blank.dir.to_str(), Some("/var/lib/influxdb/meta"));
    let name = load(&[("INFLUXDB_HOSTNAME", " meta-1\n")]).expect("valid");
    assert_eq!(name.cluster.hostname.as_deref(), Some("meta-1"));
}

/// A variable, a file for it, and TOML: one secret.
#[test]
fn a_secret_is_the_same_from_each_source() {
    let (_folder, path) = file(&format!("{LONG}\n"));
    let secret_file = format!("{SECRET}_FILE");
    let sources = [
        load(&[(SECRET, &format!("{LONG}\n"))]),
        load(&[(&secret_file, path.to_str().expect("a path"))]),
        Ok(of_file(&format!(
            "[meta]\ninternal-shared-secret = \"\"\"{LONG}\n\"\"\"\n"
        ))),
    ];
    for config in sources {
        assert_eq!(config.expect("valid").cluster.secret.as_deref(), Some(LONG));
    }
    let said = notices(&[(SECRET, &format!("{LONG} "))]);
    let want = "has blanks or line ends at its ends: they are cut here, and data nodes do not";
    assert!(said.len() == 1 && said[0].contains(want), "{said:?}");
    assert_eq!(
        notices(&[(&secret_file, path.to_str().expect("a path"))]),
        NONE
    );
}

#[test]
fn a_short_secret_is_said_without_the_secret() {
    let said = notices(&[(SECRET, "abcdefghijklmno")]);
    let want = "[meta] internal-shared-secret is shorter than 16 bytes";
    assert!(said.len() == 1 && said[0].contains(want), "{said:?}");
    assert!(!said[0].contains("abcdef"), "{said:?}");
    assert_eq!(notices(&[(SECRET, "abcdefghijklmnop")]), NONE);
}

#[test]
fn a_hostname_beside_a_bind_address_with_a_host_is_said_to_have_no_effect() {
    let name = ("INFLUXDB_HOSTNAME", "meta-1");
    let http = "INFLUXDB_META_HTTP_BIND_ADDRESS";
    let said = notices(&[name, (http, "10.0.0.1:8091")]);
    let want = "hostname = \"meta-1\" has no effect: http-bind-address";
    assert!(said.len() == 1 && said[0].contains(want), "{said:?}");
    for bind in [":8091", "0.0.0.0:8091", "[::]:8091", "META-1:8091"] {
        assert_eq!(notices(&[name, (http, bind)]), NONE, "{bind}");
    }
}

#[test]
fn a_key_that_protects_only_data_nodes_is_named_with_the_one_for_meta_nodes() {
    let shared = format!(
        "[meta]\nmeta-auth-enabled = true\nmeta-internal-shared-secret = \"{LONG}\"\n\
         meta-tls-enabled = true\n[http]\nauth-enabled = true\nshared-secret = \"{LONG}\"\n\
         [cluster]\nhttps-enabled = true\n"
    );
    let said = notices_of_file(&shared);
    for want in [
        "[meta] meta-auth-enabled protects no meta node; [meta] auth-enabled does",
        "[meta] meta-internal-shared-secret protects no meta node; \
         [meta] internal-shared-secret does",
        "[meta] meta-tls-enabled protects no meta node; [meta] https-enabled would: TLS is not",
        "[http] auth-enabled protects no meta node; [meta] auth-enabled does",
        "[http] shared-secret protects no meta node; [meta] shared-secret does",
        "[cluster] https-enabled protects no meta node; [meta] data-use-tls does",
    ] {
        assert!(
            said.iter().any(|text| text.contains(want)),
            "{want}: {said:?}"
        );
    }
    assert_eq!(said.len(), 6, "{said:?}");
    assert!(!said.concat().contains(LONG), "{said:?}");
    let variable = notices(&[("INFLUXDB_META_META_AUTH_ENABLED", "true")]);
    assert!(variable[0].contains("META_META_AUTH_ENABLED: [meta] meta-auth-enabled"));
    // A file for both kinds of node, in which meta nodes are protected, too.
    let both = format!(
        "[meta]\nauth-enabled = true\nmeta-auth-enabled = true\n\
         internal-shared-secret = \"{LONG}\"\nmeta-internal-shared-secret = \"{LONG}\"\n\
         [http]\nauth-enabled = false\nshared-secret = \"\"\n"
    );
    assert_eq!(notices_of_file(&both), NONE);
}

#[test]
fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
    let said = notices_of_file("peers = []\n[meta]\nhostname = \"x\"\n");
    for want in [
        "no key peers above the first section (it belongs in [meta]); it is ignored",
        "no key hostname in [meta] (it belongs above the first section); it is ignored",
    ] {
        assert!(
            said.iter().any(|text| text.contains(want)),
            "{want}: {said:?}"
        );
    }
}

/// Every key that the product documents for meta nodes, and those of data nodes that may be in the
/// same file, with its documented default.
#[test]
fn documented_defaults_stop_no_start_and_warn_of_nothing() {
    const FILE: &str = r#"
        reporting-disabled = false
        bind-address = ""
        hostname = ""
        [enterprise]
        license-key = ""
        license-path = ""
        registration-enabled = true
        registration-server-url = ""
        [meta]
        dir = "/var/lib/influxdb/meta"
        bind-address = ":8089"
        http-bind-address = ":8091"
        auth-enabled = false
        auth-method = "all"
        ldap-allowed = false
        shared-secret = ""
        internal-shared-secret = ""
        password-hash = "bcrypt"
        ensure-fips = false
        raft-portal-auth-required = false
        raft-dialer-auth-required = false
        https-enabled = false
        https-certificate = ""
        https-private-key = ""
        https-insecure-certificate = false
        https-insecure-tls = false
        https-ignore-sanity-checks = false
        https-client-certificate = ""
        https-client-private-key = ""
        https-client-auth-type = "NoClientCert"
        https-client-ca = { paths = [], include-system = false }
        https-root-ca = { paths = [], include-system = false }
        data-use-tls = false
        data-insecure-tls = false
        gossip-frequency = "5s"
        announcement-expiration = "30s"
        retention-autocreate = true
        election-timeout = "1s"
        heartbeat-timeout = "1s"
        leader-lease-timeout = "500ms"
        commit-timeout = "50ms"
        consensus-timeout = "30s"
        cluster-tracing = false
        logging-enabled = true
        pprof-enabled = true
        debug-pprof-enabled = false
        lease-duration = "1m0s"
        raft-promotion-enabled = true
        meta-tls-enabled = false
        meta-insecure-tls = false
        meta-auth-enabled = false
        meta-internal-shared-secret = ""
        [tls]
        ciphers = []
        min-version = ""
        max-version = ""
        advanced-expiration = "5d"
        [logging]
        format = "logfmt"
        level = "info"
        suppress-logo = false
    "#;
    assert_eq!(notices_of_file(FILE), NONE);
    // Other spellings of a default.
    for (key, spelling) in [
        (
            "password-hash = \"bcrypt\"",
            "password-hash = \"bcrypt;cost=10\"",
        ),
        ("auth-method = \"all\"", "auth-method = \"ALL\""),
        (
            "https-client-auth-type = \"NoClientCert\"",
            "https-client-auth-type = \"\"",
        ),
        ("lease-duration = \"1m0s\"", "lease-duration = \"60s\""),
        (
            "dir = \"/var/lib/influxdb/meta\"",
            "dir = \" /var/lib/influxdb/meta \"",
        ),
        ("pprof-enabled = true", "pprof-enabled = false"),
    ] {
        assert!(FILE.contains(key), "{key}");
        assert_eq!(
            notices_of_file(&FILE.replace(key, spelling)),
            NONE,
            "{spelling}"
        );
    }
    // Documented values that are no default for all: they warn, and stop nothing.
    notices_of_file("bind-address = \":8091\"\n[tls]\nmin-version = \"tls1.3\"\n");
    assert_eq!(
        notices_of_file("[meta]\nraft-promotion-enabled = false\n").len(),
        1
    );
    let other = wrong(&[("INFLUXDB_META_PASSWORD_HASH", "bcrypt;cost=12")]);
    assert!(
        other.contains("\"bcrypt;cost=12\" asks for a protection"),
        "{other}"
    );
}

#[test]
fn required_proofs_need_a_secret_and_reach_the_cluster() {
    for variable in [
        "INFLUXDB_META_RAFT_PORTAL_AUTH_REQUIRED",
        "INFLUXDB_META_RAFT_DIALER_AUTH_REQUIRED",
    ] {
        let config = load(&[(variable, "true"), (SECRET, LONG)]).expect("valid");
        assert!(config.cluster.requires_proof && !config.auth.enabled);
        let text = wrong(&[(variable, "true")]);
        assert!(text.contains("needs internal-shared-secret"), "{text}");
    }
    assert!(
        !load(&[(SECRET, LONG)])
            .expect("valid")
            .cluster
            .requires_proof
    );
}
