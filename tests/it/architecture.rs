//! Holds the borders of the folders in `src/`: which may name which, and which third-party crate
//! stays where.

use std::fs;
use std::path::{Path, PathBuf};

/// Folder → the folders of ours that it may name besides itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("catalog", &["base"]),
    ("machine", &["base", "catalog"]),
    ("wire", &["base", "catalog", "machine"]),
    ("runtime", &["base"]),
    ("telemetry", &["base", "runtime"]),
    ("tls", &["base", "runtime"]),
    ("auth", &["base", "catalog", "runtime"]),
    ("storage", &["base", "wire", "runtime", "telemetry"]),
    (
        "client",
        &["base", "wire", "runtime", "telemetry", "tls", "auth"],
    ),
    (
        "data_node",
        &["base", "wire", "runtime", "telemetry", "tls", "client"],
    ),
    (
        "raft",
        &[
            "base",
            "catalog",
            "machine",
            "wire",
            "runtime",
            "telemetry",
            "tls",
            "auth",
            "storage",
        ],
    ),
    (
        "cluster",
        &[
            "base",
            "catalog",
            "machine",
            "wire",
            "runtime",
            "telemetry",
            "tls",
            "auth",
            "storage",
            "client",
            "raft",
        ],
    ),
    (
        "service",
        &[
            "base",
            "catalog",
            "machine",
            "wire",
            "runtime",
            "telemetry",
            "auth",
            "client",
            "data_node",
            "raft",
            "cluster",
        ],
    ),
    (
        "http",
        &[
            "base",
            "wire",
            "runtime",
            "telemetry",
            "tls",
            "auth",
            "service",
        ],
    ),
    (
        "config",
        &[
            "base",
            "runtime",
            "telemetry",
            "tls",
            "auth",
            "data_node",
            "cluster",
            "raft",
            "http",
        ],
    ),
    ("ctl", &["base", "wire", "runtime", "client", "auth", "tls"]),
    (
        "app",
        &[
            "base",
            "wire",
            "runtime",
            "telemetry",
            "tls",
            "auth",
            "storage",
            "client",
            "data_node",
            "raft",
            "cluster",
            "service",
            "http",
            "config",
            "ctl",
        ],
    ),
    ("docs", &[]),
    // Packages of their own that stand in for others (`[patch.crates-io]`).
    ("patches", &[]),
];

/// Third-party crate → the only folders that may name it.
const STAYS_IN: &[(&str, &[&str])] = &[
    ("prost", &["wire"]),
    ("openraft", &["raft"]),
    ("axum", &["http"]),
    ("figment", &["config"]),
    ("clap", &["bin", "ctl", "config"]),
    ("hyper", &["client", "http"]),
    ("imbl", &["catalog", "machine", "wire"]),
    ("rustls", &["tls"]),
    ("tokio_rustls", &["tls"]),
    ("webpki", &["tls"]),
];

#[test]
fn imports_point_downwards_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).expect("below src");
        let Some(folder) = folder_of(inside) else {
            continue;
        };
        let text = fs::read_to_string(&file).expect("readable source");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for name in ours_named(code) {
                let may = MAY_NAME
                    .iter()
                    .find(|(from, _)| *from == folder)
                    .map(|(_, to)| *to);
                if folder != "bin" && name != folder && !may.is_some_and(|to| to.contains(&name)) {
                    wrong.push(format!(
                        "src/{}:{}: {folder} names {name}",
                        inside.display(),
                        number + 1
                    ));
                }
            }
            for (krate, stays) in STAYS_IN {
                let named =
                    code.contains(&format!("{krate}::")) || code.contains(&format!("use {krate};"));
                let named = named && !code.contains(&format!("_{krate}::"));
                if named && !stays.contains(&folder.as_str()) {
                    wrong.push(format!(
                        "src/{}:{}: {folder} names {krate}",
                        inside.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "borders crossed:\n{}", wrong.join("\n"));
}

/// Every folder is in the table: a new one gets its line, and its reason, there first.
#[test]
fn every_folder_is_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).expect("src") {
        let entry = entry.expect("entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && name != "bin" {
            assert!(
                MAY_NAME.iter().any(|(folder, _)| *folder == name),
                "src/{name} is in no row of MAY_NAME"
            );
        }
    }
}

fn folder_of(inside: &Path) -> Option<String> {
    let mut parts = inside.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    parts.next().map(|_| first)
}

fn ours_named(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if MAY_NAME.iter().any(|(folder, _)| *folder == &rest[..end]) {
            names.push(&rest[..end]);
        }
    }
    names
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}
