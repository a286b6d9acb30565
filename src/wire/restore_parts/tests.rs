use super::*;

fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    encoding::bytes::encode(number, &bytes.to_vec(), &mut field);
    field
}

/// The whole restore is the test `restore` in `tests/it`; here are the ends.
#[test]
fn what_is_missing_is_said_as_for_a_whole_restore() {
    let command = |data: &[u8]| Bytes::from([field(117, &field(1, data)), vec![8, 17]].concat());
    let error = |data: &[u8]| {
        SplitRestore::of(1, &command(data))
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(
        error(b"\x10\x01"),
        "invalid SetData command: required field \"Data.Term\" not set"
    );
    let head = b"\x08\0\x10\x01\x18\0\x38\0\x40\0\x48\0";
    assert_eq!(
        error(&[&head[..], b"\x52\0"].concat()),
        "invalid SetData command: required field \"Data.Nodes.ID\" not set"
    );
    assert_eq!(
        error(&[&head[..], &field(6, b"")].concat()),
        "invalid SetData command: required field \"Users.Name\" not set"
    );
    let split = SplitRestore::of(1, &command(head)).expect("is whole");
    assert!(split.is_empty());
}

#[test]
fn an_element_that_no_part_can_hold_is_refused() {
    let shards = field(5, b"\x08\x01").repeat(20_000);
    let database = field(3, &field(5, &shards));
    let command = Bytes::from([field(117, &field(1, &field(5, &database))), vec![8, 17]].concat());
    assert!(matches!(
        SplitRestore::of(1, &command),
        Err(SplitError::OverBudget(_))
    ));
}
