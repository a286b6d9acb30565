//! What each target starts from: bytes of real programs, and bytes that were frozen.

use influxdb_meta::base::UnixNanos;
use influxdb_meta::machine::Command;
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::execute::{self, Decoded};
use influxdb_meta::wire::state;

use crate::machine::{Fed, found};
use crate::vectors::{commands, files, read};

/// Of the target with this name.
pub(super) fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "execute" => wire_commands(),
        "restore" => contents(files("vectors/snapshot", ".resp.bin")),
        "entry" => entries(),
        "state" => states(),
        "snapshot_file" => vec![read("compat/v1/volume/snap/2-4")],
        other => panic!("{other:?} has no seeds: name them here"),
    }
}

fn contents(files: Vec<(String, Vec<u8>)>) -> Vec<Vec<u8>> {
    files.into_iter().map(|(_, content)| content).collect()
}

fn frozen_entries() -> Vec<Vec<u8>> {
    let all = ["compat/v1", "compat/v2", "compat/v3"].map(|folder| files(folder, ".bin"));
    contents(all.concat()).into_iter().filter(|bytes| envelope::decode(bytes).is_ok()).collect()
}

/// Recorded ones, and frozen ones, which name what is in the catalog that the targets work on.
fn wire_commands() -> Vec<Vec<u8>> {
    let mut all = contents(commands());
    let frozen =
        frozen_entries().into_iter().map(|bytes| envelope::decode(&bytes).expect("an entry").command);
    all.extend(frozen.filter_map(|command| execute::encode(&command)).map(|bytes| bytes.to_vec()));
    all
}

fn entries() -> Vec<Vec<u8>> {
    let enveloped =
        |bytes: Vec<u8>| envelope::encode(UnixNanos(-1), false, &Body::Wire(bytes.into())).to_vec();
    frozen_entries().into_iter().chain(contents(commands()).into_iter().map(enveloped)).collect()
}

/// Frozen ones, and those of a life.
fn states() -> Vec<Vec<u8>> {
    let frozen = ["v1/state-full.bin", "v1/state-fresh.bin", "v2/state-full.bin", "v3/state-full.bin"];
    let mut all: Vec<_> = frozen.iter().map(|file| read(&format!("compat/{file}"))).collect();
    let mut fed = Fed::default();
    fed.apply(Command::Found(found(3)));
    for bytes in contents(commands()) {
        if let Ok(Decoded::Command { command, .. }) = execute::decode(&bytes) {
            fed.apply(command);
            all.push(state::encode(&fed.catalog).to_vec());
        }
    }
    all
}
