//! Secrets come from files, and are never shown.

use influxdb_meta::config::{self, KEYS};

use super::{file, inputs, load, wrong};

const SECRET: &str = "INFLUXDB_META_INTERNAL_SHARED_SECRET";
const SECRET_FILE: &str = "INFLUXDB_META_INTERNAL_SHARED_SECRET_FILE";

#[test]
fn a_secret_may_come_from_a_file_without_its_last_newline() {
    for text in ["s3cret", "s3cret\n", "s3cret\r\n"] {
        let (_folder, path) = file(text);
        let config =
            load(&[(SECRET_FILE, path.to_str().expect("a path")), (SECRET, "")]).expect("valid");
        assert_eq!(config.cluster.secret.as_deref(), Some("s3cret"));
    }
}

#[test]
fn both_ways_at_once_or_an_empty_or_missing_file_are_errors() {
    let (_folder, path) = file("\n");
    let path = path.to_str().expect("a path");
    assert!(
        wrong(&[(SECRET, "x"), (SECRET_FILE, path)])
            .contains(&format!("{SECRET} and {SECRET_FILE} are both set"))
    );
    assert!(wrong(&[(SECRET_FILE, path)]).contains("is empty"));
    assert!(wrong(&[(SECRET_FILE, "/no/such")]).contains("does not exist"));
}

#[test]
fn every_secret_has_a_file_variable_and_nothing_else_has() {
    for key in KEYS {
        let (_folder, path) = file("text");
        let name = format!("{}_FILE", key.variable());
        let result = config::resolve(&inputs(&[(&name, path.to_str().expect("a path"))]));
        let (settings, notices) = result.unwrap_or_else(|invalid| panic!("{invalid}"));
        let taken = settings.from(&key.path()).contains(&name);
        assert_eq!(taken, key.secret, "{key}: {notices:?}");
    }
}

#[test]
fn secrets_are_shown_only_when_asked_for() {
    let set = [
        (SECRET, "s3cret"),
        ("INFLUXDB_META_SHARED_SECRET", "s3cret"),
        ("INFLUXDB_ENTERPRISE_LICENSE_KEY", "s3cret"),
    ];
    let (settings, notices) = config::resolve(&inputs(&set)).expect("valid");
    let printed = config::toml(&settings, false);
    assert!(
        !printed.contains("s3cret") && !format!("{notices:?}").contains("s3cret"),
        "{printed} {notices:?}"
    );
    // A masked value would become the secret of a node that uses the printed file, so it is a
    // comment.
    assert!(
        printed.contains("  # internal-shared-secret is set but not shown"),
        "{printed}"
    );
    assert!(config::toml(&settings, true).contains("internal-shared-secret = \"s3cret\""));
    let (_folder, path) = file("[meta]\ninternal-shared-secret = [\"s3cret\"]\n");
    let invalid = config::load(&super::with_file(&path, &[])).expect_err("a list");
    assert!(!invalid.to_string().contains("s3cret"), "{invalid}");
}
