use super::*;
use crate::base::{DurationNanos, Name};
use crate::machine::{NewRetentionPolicy, UpdateRetentionPolicy};

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).expect("hex")
}

fn payload_error(hex: &str) -> String {
    match decode(&bytes(hex)) {
        Err(error @ (DecodeError::UnknownType(_) | DecodeError::Payload { .. })) => {
            error.to_string()
        }
        other => panic!("{hex}: {other:?}"),
    }
}

/// The examples of wire.md appendix A, both ways: this program writes the same bytes as Go.
#[test]
fn the_bytes_are_those_of_go() {
    let database = |retention_policy| WireCommand::CreateDatabase {
        name: Name::from("db"),
        retention_policy,
    };
    let policy = NewRetentionPolicy {
        name: Name::from("rp"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos(7 * DurationNanos::DAY.0),
        replica_n: 1,
    };
    let update = WireCommand::UpdateRetentionPolicy(UpdateRetentionPolicy {
        database: Name::from("db"),
        name: Name::from("autogen"),
        new_name: None,
        duration: Some(DurationNanos(30 * DurationNanos::DAY.0)),
        replica_n: None,
        shard_group_duration: None,
        default: false,
    });
    for (hex, command) in [
        (
            "ba06050a036462300803",
            WireCommand::CreateDatabase {
                name: Name::from("db0"),
                retention_policy: None,
            },
        ),
        (
            "ba06170a02646212110a0272701000188080a4c9ffc1890120010803",
            database(Some(policy)),
        ),
        (
            "e206180a02646212076175746f67656e20808088ba90adcd0438000808",
            update,
        ),
    ] {
        assert_eq!(
            decode(&bytes(hex)),
            Ok(Decoded::Command {
                command: command.clone(),
                format: 1
            })
        );
        assert_eq!(hex::encode(encode(&command)), hex);
    }
}

#[test]
fn fields_may_stand_in_any_order_and_come_twice() {
    let command = WireCommand::CreateDatabase {
        name: Name::from("db0"),
        retention_policy: None,
    };
    let want = Ok(Decoded::Command { command, format: 1 });
    // Type first; an unknown field; a broken payload of another type; a type that a later one
    // overrides.
    for hex in [
        "0803 ba06050a03646230",
        "ba06050a03646230 0803 f83f01",
        "ba06050a03646230 c20601ff 0803",
        "0804 ba06050a03646230 0803",
        "ba06030a0178 ba06050a03646230 0803",
    ] {
        assert_eq!(decode(&bytes(hex)), want, "{hex}");
    }
}

/// The two bytes `08 03` stop a whole cluster of the original for ever (wire.md Q6).
#[test]
fn a_payload_that_is_missing_or_broken_is_refused() {
    assert_eq!(
        payload_error("0803"),
        "invalid CreateDatabase command: the payload is missing"
    );
    assert_eq!(
        payload_error("ba0600 0803"),
        "invalid CreateDatabase command: required field \"Name\" not set"
    );
    assert_eq!(
        payload_error("b80601 0803"),
        "invalid CreateDatabase command: the payload is no message"
    );
    assert_eq!(
        payload_error("ba06060a0164 1201 00 0803")
            .split(": ")
            .next(),
        Some("invalid CreateDatabase command")
    );
    assert_eq!(
        payload_error("ba06070a0164 12020a00 0803"),
        "invalid CreateDatabase command: required field \"RetentionPolicy.Duration\" not set"
    );
    assert_eq!(
        payload_error("ca06030a0164 0805"),
        "invalid CreateRetentionPolicy command: required field \"RetentionPolicy\" not set"
    );
    for (kind, field) in [
        ("04", "c206"),
        ("06", "d206"),
        ("07", "da06"),
        ("08", "e206"),
    ] {
        assert!(
            payload_error(&format!("{field}00 08{kind}")).contains("required field"),
            "type {kind}"
        );
    }
}

#[test]
fn an_unknown_type_is_refused() {
    assert_eq!(payload_error("0814"), "unknown command type 20");
    assert_eq!(payload_error("0800"), "unknown command type 0");
    assert_eq!(payload_error("0823"), "unknown command type 35");
    assert_eq!(
        payload_error("08ffffffffffffffffff01"),
        "unknown command type -1"
    );
}

#[test]
fn what_is_no_envelope_is_a_bad_request() {
    let error = |hex: &str| decode(&bytes(hex)).expect_err("no envelope").to_string();
    assert_eq!(
        error(""),
        "unable to unmarshal command: proto: required field \"type\" not set"
    );
    assert_eq!(
        error("ba06050a03646230"),
        "unable to unmarshal command: proto: required field \"type\" not set"
    );
    for hex in [
        "0803 ba0605",
        "0a0103",
        "08",
        "ff",
        "0803 ba06ffffffffffffffffff01",
    ] {
        assert!(
            matches!(decode(&bytes(hex)), Err(DecodeError::Envelope(_))),
            "{hex}"
        );
    }
}

#[test]
fn every_known_type_has_its_answer() {
    let meta_nodes = [1, 2, 19, 23, 24, 27, 29];
    for number in (1..=34).filter(|number| *number != 20) {
        let decoded = decode(&[8, number]);
        if meta_nodes.contains(&number) {
            assert_eq!(decoded, Ok(Decoded::MetaNodes), "type {number}");
        } else {
            assert!(
                matches!(decoded, Err(DecodeError::Payload { .. })),
                "type {number} without a payload"
            );
        }
    }
}

#[test]
fn a_response_always_says_ok() {
    assert_eq!(hex::encode(encode_response(Ok(5))), "08011805");
    assert_eq!(hex::encode(encode_response(Ok(0))), "08011800");
    assert_eq!(hex::encode(encode_response(Ok(300))), "080118ac02");
    assert_eq!(hex::encode(encode_response(Err("x"))), "0800120178");
}
