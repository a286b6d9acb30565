//! Commands that real programs sent are understood, and encoded to the same bytes.

use influxdb_meta::base::UnixNanos;
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::execute::{self, Decoded};

use super::commands;

/// Name of the command in a file name such as `plain-execute-CreateDatabase-200-1.req.bin`.
fn name_in(path: &str) -> &str {
    let file = path.rsplit('/').next().expect("a file name");
    file.split('-')
        .find(|part| part.starts_with(|c: char| c.is_ascii_uppercase()))
        .expect("a command")
        .trim_end_matches(".req.bin")
}

fn is_of_meta_nodes(name: &str) -> bool {
    ["CreateMetaNode", "DeleteMetaNode", "SetMetaNode"].contains(&name)
}

#[test]
fn every_recorded_command_is_known_by_its_name() {
    let mut seen = [0; 2];
    for (path, bytes) in commands() {
        let name = name_in(&path);
        match execute::decode(&bytes) {
            Ok(Decoded::Command { command, .. }) => {
                seen[0] += 1;
                assert!(
                    format!("{command:?}").starts_with(name),
                    "{path}: {command:?}"
                );
            }
            Ok(Decoded::MetaNodes) => {
                seen[1] += 1;
                assert!(is_of_meta_nodes(name), "{path}");
            }
            Err(error) => panic!("{path}: {error}"),
        }
    }
    assert!(
        seen.iter().all(|count| *count > 2),
        "each kind was met: {seen:?}"
    );
}

#[test]
fn supported_ones_are_written_as_go_wrote_them() {
    for (path, bytes) in commands() {
        // A restore is read for its content; what it says of this cluster's nodes is ignored.
        let restores = path.contains("SetData");
        if let (Ok(Decoded::Command { command, .. }), false) = (execute::decode(&bytes), restores) {
            assert_eq!(
                hex::encode(execute::encode(&command)),
                hex::encode(&bytes),
                "{path}"
            );
        }
    }
}

/// A command that may enter the log can be read back from it; any other would halt a node.
#[test]
fn the_log_reads_what_was_let_in_and_nothing_else() {
    for (path, bytes) in commands() {
        let entry = envelope::encode(UnixNanos(1), true, &Body::Wire(bytes.clone().into()));
        let read = envelope::decode(&entry).map(|stamped| stamped.command).ok();
        let let_in = match execute::decode(&bytes) {
            Ok(Decoded::Command { command, .. }) => Some(command.into()),
            _ => None,
        };
        assert_eq!(read, let_in, "{path}");
    }
}
