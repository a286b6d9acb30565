//! Configuration: every key from each layer, all problems reported at once, and the command line.

#![expect(
    clippy::disallowed_methods,
    reason = "real files and processes, outside any simulation"
)]

mod authentication;
mod commands;
mod founding;
mod layers;
mod life;
mod manual;
mod mistakes;
mod problems;
mod secrets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use influxdb_meta::config::{self, Config, Flags, Inputs, Invalid};
use tempfile::TempDir;

/// Copies the program, to run the copy. Another process writes it: a descriptor of this process that
/// writes to the file could be inherited by a child that another test starts at that moment, and
/// running the copy would fail with `Text file busy` until that child has called `exec`.
fn copy_program(to: &Path) {
    let program = env!("CARGO_BIN_EXE_influxd-meta");
    let done = std::process::Command::new("cp")
        .arg(program)
        .arg(to)
        .status();
    assert!(done.expect("cp").success(), "{}", to.display());
}

/// Inputs without this machine's environment: only what a test adds.
fn inputs(variables: &[(&str, &str)]) -> Inputs {
    let all = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut variables: BTreeMap<String, String> = all.collect();
    variables
        .entry("INFLUXDB_META_CONFIG_PATH".into())
        .or_insert_with(|| "/dev/null".into());
    Inputs {
        variables,
        flags: Flags::default(),
        host_name: "box".into(),
    }
}

fn load(variables: &[(&str, &str)]) -> Result<Config, Invalid> {
    config::load(&inputs(variables))
}

/// Text of all problems with these variables.
fn wrong(variables: &[(&str, &str)]) -> String {
    match load(variables) {
        Ok(config) => panic!("{variables:?} gave {config:?}"),
        Err(invalid) => invalid.to_string(),
    }
}

fn notices(variables: &[(&str, &str)]) -> Vec<String> {
    let config = load(variables).unwrap_or_else(|invalid| panic!("{invalid}"));
    config
        .notices
        .into_iter()
        .map(|notice| notice.text)
        .collect()
}

/// Writes a file in a folder of its own.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("influxdb-meta.conf");
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

fn with_file(path: &Path, variables: &[(&str, &str)]) -> Inputs {
    let mut inputs = inputs(variables);
    inputs.flags.config = Some(path.to_owned());
    inputs
}
