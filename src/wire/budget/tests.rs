use super::*;
use crate::wire::execute::command_type;

/// Types whose payloads are a few numbers and texts.
const WITHOUT_ELEMENTS: [u32; 22] = [
    4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 22, 25, 26, 28, 30, 31, 32, 33, 34,
];

#[test]
fn every_type_is_counted_or_has_nothing_to_count() {
    for number in 0..1000 {
        let counted = u8::from(payload(number).is_some());
        let flat = u8::from(WITHOUT_ELEMENTS.contains(&number));
        let known = u8::from(command_type(number as i32).is_some());
        assert_eq!(counted + flat, known, "type {number}");
    }
}

fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encoding::bytes::encode(number, &bytes.to_vec(), &mut field);
    field
}

/// A command of this type, with its payload first, as Go writes it.
fn command(number: u8, payload: &[u8]) -> Vec<u8> {
    [field(100 + u32::from(number), payload), vec![8, number]].concat()
}

#[test]
fn elements_of_each_kind_are_counted() {
    let owners = [
        field(3, &[8, 1]),
        field(3, &[8, 2]),
        vec![0x10, 3],
        field(2, &[4, 5]),
    ]
    .concat();
    let group = field(5, &owners);
    let subscription = [field(3, b"a"), field(3, b"b")].concat();
    let policy = [field(5, &group), field(5, &group), field(6, &subscription)].concat();
    let database = [field(3, &policy), field(4, b"")].concat();
    let user = [field(4, b""), field(4, b"")].concat();
    let data = [
        field(5, &database),
        field(6, &user),
        field(10, b""),
        field(11, b""),
    ]
    .concat();
    // The payload comes in two pieces, which protobuf merges.
    let both = [command(17, &field(1, &data)), command(17, &field(1, &data))].concat();
    let counted = count(&both).expect("well-formed");
    let each = Element::ALL.map(|element| counted.of(element));
    assert_eq!(
        each,
        [1, 1, 2, 2, 10, 1, 2, 1, 1, 2, 2, 0].map(|count| 2 * count)
    );
    assert_eq!(counted.bytes, both.len() as u64);
}

#[test]
fn ignored_elements_cost_their_bytes_and_must_be_messages() {
    let ignored = [field(1, b"rp"), field(5, b"").repeat(1000)].concat();
    let create = command(3, &[field(1, b"db"), field(2, &ignored)].concat());
    let counted = count(&create).expect("well-formed");
    assert_eq!(counted.of(Element::ShardGroup), 0);
    assert_eq!(
        counted.cost(),
        create.len() as u64 * COST_OF_A_BYTE + Element::RetentionPolicy.cost()
    );
    for malformed in [&b"\xff"[..], b"\x0a\x00", b"\x2a\x01\xff"] {
        let policy = field(5, malformed);
        let create = command(3, &field(2, &policy));
        assert!(
            matches!(count(&create), Err(DecodeError::Payload { .. })),
            "{malformed:x?}"
        );
    }
}

#[test]
fn a_refusal_says_what_costs_most() {
    let groups = field(5, b"").repeat(20_000);
    let data = field(5, &field(3, &groups));
    let over = count(&command(17, &field(1, &data)))
        .expect("well-formed")
        .check()
        .expect_err("10 MB");
    assert_eq!(over.most, Some((20_000, Element::ShardGroup)));
    let (cost, bytes) = (over.cost, over.bytes);
    assert_eq!(
        over.to_string(),
        format!(
            "the command needs {cost} bytes of memory on each meta node, at most 8388608 are \
             taken: it has {bytes} bytes and 20000 shard groups; send it as several smaller \
             commands"
        )
    );
    let query = count(&command(11, &field(3, &[b'x'; 2 << 20]))).expect("well-formed");
    assert_eq!(query.check().expect_err("12 MiB").most, None);
    assert_eq!(count(&command(11, b"q")).expect("small").check(), Ok(()));
}
