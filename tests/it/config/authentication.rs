//! Configuration of authentication.

use influxdb_meta::auth::Method;

use super::{load, notices, with_file, wrong};

const ON: (&str, &str) = ("INFLUXDB_META_AUTH_ENABLED", "true");
const INTERNAL: (&str, &str) = ("INFLUXDB_META_INTERNAL_SHARED_SECRET", "legos of the nodes");
const SHARED: (&str, &str) = ("INFLUXDB_META_SHARED_SECRET", "bricks of the people");
const NONE: [String; 0] = [];

/// With an empty secret any caller could sign an internal token, so the node refuses to start
/// (wire.md 7.1).
#[test]
fn authentication_without_the_secret_of_nodes_stops_the_start() {
    let want = "internal-shared-secret is blank and must be set in config when auth is enabled";
    for with in [&[ON][..], &[ON, SHARED], &[ON, (INTERNAL.0, "")]] {
        let text = wrong(with);
        assert!(
            text.contains(want) && text.contains("variable INFLUXDB_META_AUTH_ENABLED"),
            "{text}"
        );
    }
    let (_folder, path) = super::file("[meta]\nauth-enabled = true\n");
    let invalid = influxdb_meta::config::load(&with_file(&path, &[])).expect_err("no secret");
    assert!(
        invalid.to_string().contains(want) && invalid.exit_code() == 78,
        "{invalid}"
    );
    assert!(load(&[ON, INTERNAL]).is_ok());
}

#[test]
fn what_is_set_arrives() {
    let config = load(&[
        ON,
        INTERNAL,
        SHARED,
        ("INFLUXDB_META_AUTH_METHOD", "userpass"),
    ])
    .expect("valid");
    assert!(config.auth.enabled);
    assert_eq!(config.auth.method, Method::UserPass);
    assert_eq!(config.auth.internal_secret.as_deref(), Some(INTERNAL.1));
    assert_eq!(config.auth.shared_secret.as_deref(), Some(SHARED.1));
    let shown = format!("{config:?}");
    assert!(
        !shown.contains("legos") && !shown.contains("bricks"),
        "{shown}"
    );
    // The official chart sets the secret and nothing else: that does not enable authentication
    // (clients.md trap 13).
    assert!(!load(&[INTERNAL]).expect("valid").auth.enabled);
    let method = |text| {
        load(&[("INFLUXDB_META_AUTH_METHOD", text)])
            .expect("valid")
            .auth
            .method
    };
    assert_eq!(
        (method("all"), method("jwt"), method("")),
        (Method::All, Method::Jwt, Method::All)
    );
}

#[test]
fn what_protects_less_than_it_seems_to_is_said() {
    assert_eq!(
        notices(&[ON, INTERNAL, SHARED, ("INFLUXDB_META_AUTH_METHOD", "jwt")]),
        NONE
    );
    assert_eq!(
        notices(&[SHARED, ("INFLUXDB_META_AUTH_METHOD", "jwt")]),
        [
            "environment variable INFLUXDB_META_SHARED_SECRET: [meta] shared-secret has no effect: \
             auth-enabled is false",
            "environment variable INFLUXDB_META_AUTH_METHOD: [meta] auth-method has no effect: \
             auth-enabled is false",
        ]
    );
    let one = notices(&[ON, INTERNAL, (SHARED.0, INTERNAL.1)]);
    assert!(
        one.len() == 1 && one[0].contains("shared-secret is internal-shared-secret"),
        "{one:?}"
    );
    assert!(!one[0].contains("legos"), "{one:?}");
}
