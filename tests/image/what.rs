//! Properties of the image: its size, its labels, its user, and its commands.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::docker::{Image, docker};

/// Maximum size that the README promises, in bytes as `docker push` would send them.
const PACKED_AT_MOST: u64 = 5_000_000;

#[test]
fn it_is_small() {
    let Some(image) = Image::here() else { return };
    let mut save = Command::new("docker")
        .args(["save", &image.0])
        .stdout(Stdio::piped())
        .spawn()
        .expect("docker save");
    let from = save.stdout.take().expect("a pipe");
    let packed = Command::new("gzip")
        .arg("-c")
        .stdin(from)
        .output()
        .expect("gzip")
        .stdout
        .len() as u64;
    assert!(save.wait().expect("docker save").success());
    let unpacked = docker(&["image", "inspect", "--format", "{{.Size}}", &image.0]);
    println!("image: {packed} bytes packed, {unpacked} unpacked");
    assert!(packed > 100_000, "{packed} bytes are no image");
    assert!(
        packed <= PACKED_AT_MOST,
        "{packed} bytes packed, more than {PACKED_AT_MOST}"
    );
}

#[test]
fn it_says_what_it_is_and_how_to_run_it() {
    let Some(image) = Image::here() else { return };
    let all: Value = serde_json::from_str(&docker(&["image", "inspect", &image.0]))
        .expect("inspect prints JSON");
    let config = &all[0]["Config"];
    let at = |pointer: &str| config.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/User"), "1000:1000");
    assert_eq!(
        at("/Entrypoint"),
        serde_json::json!(["/usr/bin/influxd-meta"])
    );
    assert_eq!(at("/StopSignal"), "SIGTERM");
    assert_eq!(
        at("/ExposedPorts"),
        serde_json::json!({"8089/tcp": {}, "8091/tcp": {}})
    );
    assert_eq!(at("/Volumes"), serde_json::json!({"/var/lib/influxdb": {}}));
    assert_eq!(
        at("/Healthcheck/Test"),
        serde_json::json!(["CMD", "/usr/bin/influxd-meta", "healthcheck", "--live"])
    );
    let labels = at("/Labels");
    let label = |name: &str| {
        labels[format!("org.opencontainers.image.{name}")]
            .as_str()
            .unwrap_or_default()
    };
    assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(label("licenses"), "MIT");
    assert_eq!(label("title"), "influxdb-meta");
    assert!(!label("description").is_empty());
    assert!(label("revision").len() >= 7, "{labels}");
    assert!(label("created").ends_with('Z'), "{labels}");
    assert_eq!(label("vendor"), "the influxdb-meta authors");
    // Empty where the sources were not cloned from a public address.
    for name in ["source", "url", "documentation"] {
        let address = label(name);
        let good = address.is_empty() || address.starts_with("https://");
        assert!(good && !address.contains('@'), "{name}: {labels}");
    }
}

/// `docker compose build` passes no version: the Dockerfile's own must be up to date.
#[test]
fn the_dockerfile_names_the_version_of_the_package() {
    let file = include_str!("../../docker/Dockerfile");
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        file.contains(&format!("\nARG VERSION={version}\n")),
        "docker/Dockerfile: ARG VERSION is not {version}"
    );
}

#[test]
fn the_words_it_takes() {
    let Some(image) = Image::here() else { return };
    let product = "influxd-meta";
    for command in [
        &["--version"][..],
        &["-version"],
        &["version"],
        &["influxd-meta", "version"],
    ] {
        let ended = image.run(&[], command);
        assert_eq!(ended.code, 0, "{command:?}: {ended:?}");
        assert!(
            ended.stdout.to_lowercase().contains("influx"),
            "{command:?}: {ended:?}"
        );
    }
    let config = image.run(&[], &["config"]);
    assert_eq!(config.code, 0, "{config:?}");
    assert!(
        config.stdout.contains("/var/lib/influxdb/meta"),
        "the baked file counts: {config:?}"
    );
    let help = image.run(&[], &["help"]);
    assert_eq!(help.code, 0, "{help:?}");
    assert!(help.stdout.contains(product), "{help:?}");
    let ctl = image.run(&[], &["influxd-ctl", "-timeout", "1s", "show"]);
    assert_eq!(ctl.code, 1, "nobody to ask: {ctl:?}");
    assert!(
        !ctl.stderr.is_empty() && ctl.stdout.is_empty(),
        "talk goes to stderr: {ctl:?}"
    );
}

/// There is no shell in the image; a user who asks for one gets the list of commands.
#[test]
fn an_unknown_word_is_refused_with_the_list() {
    let Some(image) = Image::here() else { return };
    for command in ["sh", "bash", "rnu"] {
        let ended = image.run(&[], &[command]);
        assert_eq!(ended.code, 64, "{command}: {ended:?}");
        for word in [
            command,
            "run",
            "config",
            "version",
            "healthcheck",
            "influxd-ctl",
        ] {
            assert!(
                ended.stderr.contains(word),
                "{command}: no {word:?} in {ended:?}"
            );
        }
    }
}

#[test]
fn a_bad_value_ends_with_78_and_names_it() {
    let Some(image) = Image::here() else { return };
    let ended = image.run(&["-e", "INFLUXDB_META_PEERS=http://meta-1:8091"], &[]);
    assert_eq!(ended.code, 78, "{ended:?}");
    assert!(ended.stderr.contains("INFLUXDB_META_PEERS"), "{ended:?}");
}
