//! Seeds of each target: bytes of real programs, and frozen bytes.

use influxdb_meta::base::UnixNanos;
use influxdb_meta::config::{self, Inputs};
use influxdb_meta::machine::{Command, InternalCommand};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::execute::{self, Decoded};
use influxdb_meta::wire::frames::LENGTH_BYTES;
use influxdb_meta::wire::state;

use super::samples::{SOME_BODIES, SOME_KEYS, SOME_VARIABLES};
use crate::machine::{Fed, found};
use crate::vectors::{commands, files, read};

/// Seeds of the target with this name.
pub(super) fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "execute" => wire_commands(),
        "restore" => contents(files("vectors/snapshot", ".resp.bin")),
        "entry" => entries(),
        "state" => states(),
        "snapshot_file" => vec![read("compat/v1/volume/snap/2-4")],
        "raft_frame" => frames(),
        "rpc" => calls(),
        "json" => bodies(),
        "config_file" => vec![printed().into(), SOME_KEYS.into()],
        "variables" => vec![SOME_VARIABLES.into()],
        other => panic!("{other:?} has no seeds: name them here"),
    }
}

fn contents(files: Vec<(String, Vec<u8>)>) -> Vec<Vec<u8>> {
    files.into_iter().map(|(_, content)| content).collect()
}

fn frozen_entries() -> Vec<Vec<u8>> {
    let all = ["compat/v1", "compat/v2", "compat/v3"].map(|folder| files(folder, ".bin"));
    contents(all.concat())
        .into_iter()
        .filter(|bytes| envelope::decode(bytes).is_ok())
        .collect()
}

/// Recorded commands, and frozen ones, which name what is in the catalog that the targets work on.
fn wire_commands() -> Vec<Vec<u8>> {
    let mut all = contents(commands());
    let frozen = frozen_entries()
        .into_iter()
        .map(|bytes| envelope::decode(&bytes).expect("an entry").command);
    all.extend(frozen.filter_map(|command| match command {
        Command::Wire(command) => Some(execute::encode(&command).to_vec()),
        Command::Internal(_) => None,
    }));
    all
}

fn entries() -> Vec<Vec<u8>> {
    let enveloped =
        |bytes: Vec<u8>| envelope::encode(UnixNanos(-1), false, &Body::Wire(bytes.into())).to_vec();
    frozen_entries()
        .into_iter()
        .chain(contents(commands()).into_iter().map(enveloped))
        .collect()
}

/// Frozen states, and those of a generated history.
fn states() -> Vec<Vec<u8>> {
    let frozen = [
        "v1/state-full.bin",
        "v1/state-fresh.bin",
        "v2/state-full.bin",
        "v3/state-full.bin",
    ];
    let mut all: Vec<_> = frozen
        .iter()
        .map(|file| read(&format!("compat/{file}")))
        .collect();
    let mut fed = Fed::default();
    fed.apply(Command::Internal(InternalCommand::Found(found(3))));
    for bytes in contents(commands()) {
        if let Ok(Decoded::Command { command, .. }) = execute::decode(&bytes) {
            fed.apply(command.into());
            all.push(state::encode(&fed.catalog).to_vec());
        }
    }
    all
}

/// Frames out of the frozen files, which have one frame after the other, each behind its length.
fn frames() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for file in contents(files("compat/v1/frames", ".bin")) {
        let mut rest = &file[..];
        while let Some((len, behind)) = rest.split_first_chunk::<LENGTH_BYTES>() {
            let (frame, next) = behind.split_at(u32::from_be_bytes(*len) as usize);
            all.push(frame.to_vec());
            rest = next;
        }
    }
    all
}

/// Calls: requests without the byte that chooses the service, and answers.
fn calls() -> Vec<Vec<u8>> {
    let requests = contents(files("vectors/rpc", ".req.bin"));
    let mut all: Vec<_> = requests
        .into_iter()
        .map(|bytes| bytes[1..].to_vec())
        .collect();
    all.extend(contents(files("vectors/rpc", ".resp.bin")));
    all
}

fn bodies() -> Vec<Vec<u8>> {
    let identities = contents(files("compat/v1/exchange", ".json"));
    let around = |identity: &Vec<u8>| {
        let identity = String::from_utf8_lossy(identity);
        format!(
            r#"{{"from":"05050505050505050505050505050505","identity":{identity},"as":"learner"}}"#
        )
        .into()
    };
    let asked: Vec<Vec<u8>> = identities.iter().map(around).collect();
    let written = SOME_BODIES.iter().map(|body| body.as_bytes().to_vec());
    identities.into_iter().chain(asked).chain(written).collect()
}

/// Output of `influxd-meta config` when nothing is set.
fn printed() -> String {
    let variables = [(
        "INFLUXDB_META_CONFIG_PATH".to_owned(),
        "/dev/null".to_owned(),
    )]
    .into();
    let inputs = Inputs {
        variables,
        host_name: "box".to_owned(),
        ..Inputs::default()
    };
    let (settings, _) = config::resolve(&inputs).expect("the defaults");
    config::toml(&settings, true)
}
