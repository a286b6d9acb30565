//! Cost of the worst command of each kind, against the cost counted before it was decoded.

use influxdb_meta::base::{LogId, UnixNanos};
use influxdb_meta::catalog::Catalog;
use influxdb_meta::machine::{self, Command, InternalCommand};
use influxdb_meta::wire::budget::{self, MAX_COMMAND_COST};
use influxdb_meta::wire::envelope::{self, Body};
use influxdb_meta::wire::execute::{self, Decoded};

use super::allocated::peak_bytes;
use super::machine::found;

fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut field = varint(number << 3 | 2);
    field.extend(varint(bytes.len() as u64));
    field.extend_from_slice(bytes);
    field
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn command(kind: u64, payload: &[u8]) -> Vec<u8> {
    [field(100 + kind, payload), number(1, kind)].concat()
}

/// Joins `n` parts.
fn many(n: u64, part: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    (1..=n).flat_map(part).collect()
}

fn group(id: u64, shards: &[u8]) -> Vec<u8> {
    let span = [number(2, 2 * id), number(3, 2 * id + 2), number(4, 0)].concat();
    field(5, &[number(1, id), span, shards.to_vec()].concat())
}

fn policy(name: &[u8], content: &[u8]) -> Vec<u8> {
    let values = [number(2, 0), number(3, 0), number(4, 1)].concat();
    field(3, &[field(1, name), values, content.to_vec()].concat())
}

fn database(name: &[u8], content: &[u8]) -> Vec<u8> {
    field(
        5,
        &[field(1, name), field(2, b""), content.to_vec()].concat(),
    )
}

fn restore(content: &[u8]) -> Vec<u8> {
    let head = [number(1, 0), number(2, 1 << 40), number(3, 0)].concat();
    let ids = [number(7, 0), number(8, 1 << 40), number(9, 1 << 40)].concat();
    command(17, &field(1, &[&head, content, &ids].concat()))
}

fn one_policy(content: &[u8]) -> Vec<u8> {
    restore(&database(b"d", &policy(b"p", content)))
}

fn subscription(destinations: &[u8]) -> Vec<u8> {
    let head = [
        field(1, b"s"),
        field(2, b"db"),
        field(3, b"rp"),
        field(4, b"ANY"),
    ]
    .concat();
    command(21, &[&head, destinations].concat())
}

fn user(name: u64, privileges: &[u8]) -> Vec<u8> {
    let head = [field(1, &varint(name)), field(2, b""), number(3, 0)].concat();
    field(6, &[&head, privileges].concat())
}

/// A command of each kind that can have many elements, with `n` of them.
type Worst = (&'static str, fn(u64) -> Vec<u8>);

const WORST: &[Worst] = &[
    ("groups without shards", |n| {
        one_policy(&many(n, |id| group(id, b"")))
    }),
    ("deleted groups", |n| {
        let deleted = |id| {
            field(
                5,
                &[number(1, id), number(2, 1), number(3, 2), number(4, 1)].concat(),
            )
        };
        one_policy(&many(n, deleted))
    }),
    ("groups of one shard", |n| {
        one_policy(&many(n, |id| group(id, &field(5, &number(1, id)))))
    }),
    ("groups of one shard with an owner that is unknown", |n| {
        let shard = |id| field(5, &[number(1, id), field(3, &number(1, 9))].concat());
        one_policy(&many(n, |id| group(id, &shard(id))))
    }),
    ("groups from the latest to the earliest", |n| {
        one_policy(&many(n, |id| group(n + 1 - id, &field(5, &number(1, id)))))
    }),
    ("shards of one group", |n| {
        one_policy(&group(1, &many(n, |id| field(5, &number(1, id)))))
    }),
    ("owners of one shard", |n| {
        let owners = many(n, |id| field(3, &number(1, id)));
        one_policy(&group(1, &field(5, &[number(1, 1), owners].concat())))
    }),
    ("old owners of one shard", |n| {
        let owners = many(n, |id| number(2, id));
        one_policy(&group(1, &field(5, &[number(1, 1), owners].concat())))
    }),
    ("packed owners of one shard", |n| {
        let owners = field(2, &many(n, varint));
        one_policy(&group(1, &field(5, &[number(1, 1), owners].concat())))
    }),
    ("policies", |n| {
        restore(&database(b"d", &many(n, |id| policy(&varint(id), b""))))
    }),
    ("policies of one group", |n| {
        let groups = |id| group(id, &field(5, &number(1, id)));
        restore(&database(
            b"d",
            &many(n, |id| policy(&varint(id), &groups(id))),
        ))
    }),
    ("databases", |n| {
        restore(&many(n, |id| database(&varint(id), b"")))
    }),
    ("databases of one group", |n| {
        let groups = |id| group(id, &field(5, &number(1, id)));
        restore(&many(n, |id| {
            database(&varint(id), &policy(b"p", &groups(id)))
        }))
    }),
    ("continuous queries", |n| {
        let query = |id| field(4, &[field(1, &varint(id)), field(2, b"")].concat());
        restore(&database(b"d", &many(n, query)))
    }),
    ("subscriptions", |n| {
        let subscription = |id| field(6, &[field(1, &varint(id)), field(2, b"")].concat());
        one_policy(&many(n, subscription))
    }),
    ("subscriptions of one destination", |n| {
        let subscription = |id| {
            field(
                6,
                &[field(1, &varint(id)), field(2, b""), field(3, b"")].concat(),
            )
        };
        one_policy(&many(n, subscription))
    }),
    ("destinations", |n| {
        one_policy(&field(
            6,
            &[field(1, b"s"), field(2, b""), many(n, |_| field(3, b""))].concat(),
        ))
    }),
    ("users", |n| restore(&many(n, |id| user(id, b"")))),
    ("users of one privilege", |n| {
        let privilege = field(4, &[field(1, b"d"), number(2, 3)].concat());
        restore(&many(n, |id| user(id, &privilege)))
    }),
    ("privileges of one user", |n| {
        let privilege = |id| field(4, &[field(1, &varint(id)), number(2, 3)].concat());
        restore(&user(1, &many(n, privilege)))
    }),
    ("nodes", |n| {
        restore(&many(n, |id| field(10, &number(1, id))))
    }),
    ("broken users", |n| restore(&many(n, |_| field(6, b"")))),
    ("broken groups", |n| one_policy(&many(n, |_| field(5, b"")))),
    ("destinations of a new subscription", |n| {
        subscription(&many(n, |_| field(5, b"")))
    }),
    ("good destinations of a new subscription", |n| {
        subscription(&many(n, |_| field(5, b"udp://h:1")))
    }),
    ("ignored groups of a new database", |n| {
        let values = [field(1, b"p"), number(2, 0), number(3, 0), number(4, 1)].concat();
        let policy = [values, many(n, |_| field(5, b""))].concat();
        command(3, &[field(1, b"new"), field(2, &policy)].concat())
    }),
    ("ignored groups of a new policy", |n| {
        let values = [field(1, b"p"), number(2, 0), number(3, 0), number(4, 1)].concat();
        let policy = [values, many(n, |_| field(5, b""))].concat();
        command(5, &[field(1, b"db"), field(2, &policy)].concat())
    }),
    ("bytes of a query", |n| {
        let query = vec![b'q'; n as usize];
        command(
            11,
            &[field(1, b"db"), field(2, b"q"), field(3, &query)].concat(),
        )
    }),
    ("bytes of a hash", |n| {
        let hash = vec![b'h'; n as usize];
        command(
            13,
            &[field(1, b"u"), field(2, &hash), number(3, 0)].concat(),
        )
    }),
    ("bytes of a new hash", |n| {
        command(
            15,
            &[field(1, b"u"), field(2, &vec![b'h'; n as usize])].concat(),
        )
    }),
    ("bytes of an address", |n| {
        command(
            25,
            &[field(1, &vec![b'a'; n as usize]), field(2, b"t")].concat(),
        )
    }),
    ("bytes of a name", |n| {
        command(14, &field(1, &vec![b'u'; n as usize]))
    }),
];

fn is_accepted(command: &[u8]) -> bool {
    budget::count(command).expect("well-formed").check().is_ok()
}

/// Returns about the largest accepted command of a kind: within 2 % of the budget.
fn worst(make: fn(u64) -> Vec<u8>) -> Vec<u8> {
    let cost = |command: &[u8]| budget::count(command).expect("well-formed").cost();
    let mut n = 500;
    for _ in 0..20 {
        let command = make(n);
        let cost = cost(&command);
        if (MAX_COMMAND_COST * 49 / 50..=MAX_COMMAND_COST).contains(&cost) {
            assert!(is_accepted(&command));
            return command;
        }
        n = n * (MAX_COMMAND_COST * 99 / 100) / cost + 1;
    }
    panic!("no size is near the budget");
}

/// A catalog with what the commands are about.
fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let mut found = found(1);
    found.feature_level = 3;
    let setup = [
        Command::Internal(InternalCommand::Found(found)),
        decoded(&command(3, &field(1, b"db"))),
        decoded(&command(
            5,
            &[field(1, b"db"), field(2, &policy(b"rp", b"")[2..])].concat(),
        )),
        decoded(&command(
            13,
            &[field(1, b"u"), field(2, b"h"), number(3, 0)].concat(),
        )),
    ];
    for (index, command) in (1..).zip(setup) {
        let bytes = envelope::encode(UnixNanos(1), false, &Body::from(command));
        apply(&mut catalog, index, &bytes);
    }
    catalog
}

fn decoded(bytes: &[u8]) -> Command {
    match execute::decode(bytes) {
        Ok(Decoded::Command { command, .. }) => command.into(),
        other => panic!("{other:?}"),
    }
}

fn apply(catalog: &mut Catalog, index: u64, entry: &[u8]) {
    let stamped = envelope::decode(entry).expect("what was let in can be read");
    machine::apply(catalog, LogId { term: 1, index }, &stamped);
}

/// Counted is an upper bound: no command that is let in costs a node more than the budget, and
/// what costs more is refused without allocating anything.
#[test]
fn the_worst_command_of_each_kind_stays_within_the_budget() {
    let before = catalog();
    let mut failures = Vec::new();
    for (name, make) in WORST {
        let command = worst(*make);
        let cost = budget::count(&command).expect("well-formed").cost();
        let (_, counting) = peak_bytes(|| is_accepted(&make(1)) && is_accepted(&command));
        let mut catalog = before.clone();
        let (is_command, decoding) = peak_bytes(|| execute::decode(&command).is_ok());
        let entry = envelope::encode(UnixNanos(1), false, &Body::Wire(command.clone().into()));
        let ((), applying) = peak_bytes(|| {
            if is_command {
                apply(&mut catalog, 100, &entry);
            }
        });
        let peak = command.len() + entry.len() + decoding.max(applying);
        println!(
            "{name}: {} bytes, counted {cost}, decoding {decoding}, applying {applying}, all {peak}",
            command.len()
        );
        if peak as u64 > cost || counting > 4096 {
            failures.push(format!(
                "{name}: {peak} bytes, counted as {cost}; counting {counting}"
            ));
        }
        assert!(cost <= MAX_COMMAND_COST);
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
