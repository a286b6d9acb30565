//! Recorded and frozen bytes: requests of real programs with their answers, and bytes that earlier
//! versions wrote.

mod compat;
mod execute;
pub(crate) mod protobuf;
mod replay;
mod snapshot;

use std::path::{Path, PathBuf};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path)
}

#[expect(clippy::disallowed_methods, reason = "a test reads its data")]
pub(super) fn read(path: &str) -> Vec<u8> {
    std::fs::read(data(path)).unwrap_or_else(|error| panic!("tests/data/{path}: {error}"))
}

/// Files of a folder below `tests/data` whose names end with `suffix`: (path, content), ordered by
/// name.
#[expect(clippy::disallowed_methods, reason = "a test reads its data")]
pub(super) fn files(folder: &str, suffix: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(data(folder)).expect("a folder of tests/data");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name of text")
    };
    let mut names: Vec<_> = entries
        .map(name)
        .filter(|name| name.ends_with(suffix))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "tests/data/{folder} has no {suffix}");
    let file = |name: String| {
        let path = format!("{folder}/{name}");
        let content = read(&path);
        (path, content)
    };
    names.into_iter().map(file).collect()
}

/// Every recorded command, of data nodes and of meta nodes.
pub(super) fn commands() -> Vec<(String, Vec<u8>)> {
    let mut commands = files("vectors/execute", ".req.bin");
    commands.extend(files("vectors/raftlog", ".bin"));
    commands
}
