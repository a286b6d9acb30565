//! Commands, log entries, and catalogs in snapshots: bytes that change the catalog, or are one.

use std::sync::OnceLock;

use bytes::Bytes;
use influxdb_meta::base::{LogId, Name, ShardId, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::machine::{self, Command, Stamped, WireCommand};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::execute::{self, Decoded};
use influxdb_meta::wire::{data, snapshot_file as file, state as wire_state};

/// A body of `POST /execute`. What may enter the log can be read from it, applied, and encoded
/// again.
pub(crate) fn execute(bytes: &[u8]) -> bool {
    let Ok(Decoded::Command { command, format }) = execute::decode(bytes) else {
        return false;
    };
    let entry = envelope::encode(
        UnixNanos(1),
        true,
        &Body::Wire(Bytes::copy_from_slice(bytes)),
    );
    let stamped = envelope::decode(&entry).expect("what was let in");
    assert_eq!(stamped.command, command.clone().into());
    let written = execute::encode(&command);
    assert_eq!(
        execute::decode(&written),
        Ok(Decoded::Command { command, format })
    );
    carry_out(&stamped);
    true
}

/// A `Data` message, as the payload of a restore.
pub(crate) fn restore(data: &[u8]) -> bool {
    let field = |number: u32, content: &[u8]| {
        let mut bytes = varint(number << 3 | 2);
        bytes.extend(varint(u32::try_from(content.len()).unwrap_or(u32::MAX)));
        bytes.extend(content);
        bytes
    };
    let mut command = field(117, &field(1, data));
    command.extend([0x08, 17]);
    execute(&command)
}

/// An entry of the log: an entry that can be read can be applied.
pub(crate) fn entry(bytes: &[u8]) -> bool {
    let Ok(stamped) = envelope::decode(bytes) else {
        return false;
    };
    carry_out(&stamped);
    true
}

/// The catalog in a snapshot. A damaged one may be nonsense, and then stays the same nonsense when
/// encoded and read again. A consistent one stays consistent under all commands.
pub(crate) fn state(bytes: &[u8]) -> bool {
    let Ok(catalog) = wire_state::decode(bytes) else {
        return false;
    };
    assert_eq!(
        wire_state::decode(&wire_state::encode(&catalog)),
        Ok(catalog.clone())
    );
    data::encode(&catalog);
    if catalog.check().is_ok() {
        live_on(catalog);
    }
    true
}

/// A whole snapshot file.
pub(crate) fn snapshot_file(bytes: &[u8]) -> bool {
    let Ok((header, payload)) = file::decode(&Bytes::copy_from_slice(bytes)) else {
        return false;
    };
    assert_eq!(
        file::encode(&header, &payload).concat(),
        bytes,
        "what is read is what is written"
    );
    state(&payload);
    true
}

/// Applies the command to the frozen catalog, which has some of everything.
fn carry_out(stamped: &Stamped) {
    static FROZEN: OnceLock<Catalog> = OnceLock::new();
    let frozen = include_bytes!("../../../data/compat/v3/state-full.bin");
    let mut catalog = FROZEN
        .get_or_init(|| wire_state::decode(frozen).expect("a catalog"))
        .clone();
    machine::apply(
        &mut catalog,
        LogId {
            term: 4,
            index: 100,
        },
        stamped,
    );
    catalog.check().expect("a sound catalog");
    assert_eq!(
        wire_state::decode(&wire_state::encode(&catalog)).as_ref(),
        Ok(&catalog)
    );
}

fn live_on(mut catalog: Catalog) {
    for (index, command) in (catalog.index.saturating_add(1)..).zip(commands(&catalog)) {
        let stamped = Stamped {
            at: UnixNanos(1),
            retention_autocreate: true,
            command,
        };
        machine::apply(&mut catalog, LogId { term: 4, index }, &stamped);
        catalog.check().expect("a sound catalog");
    }
}

fn commands(catalog: &Catalog) -> Vec<Command> {
    let mut all = vec![
        Command::Wire(WireCommand::CreateDatabase {
            name: Name::from("new"),
            retention_policy: None,
        }),
        Command::Wire(WireCommand::TruncateShardGroups { at: UnixNanos(0) }),
        Command::Wire(WireCommand::DropShard { id: ShardId(1) }),
    ];
    for database in catalog.databases.iter() {
        let group = |policy: &Name, at| {
            Command::Wire(WireCommand::CreateShardGroup {
                database: database.name.clone(),
                policy: policy.clone(),
                at: UnixNanos(at),
            })
        };
        let policies = database
            .retention_policies
            .iter()
            .map(|policy| &policy.name);
        all.extend(policies.flat_map(|name| [i64::MIN, 0, i64::MAX].map(|at| group(name, at))));
    }
    all.extend(
        catalog
            .data_nodes
            .keys()
            .map(|id| Command::Wire(WireCommand::DeleteDataNode { id: *id })),
    );
    all.push(Command::Wire(WireCommand::PruneShardGroups));
    all
}

fn varint(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
