//! `POST /execute`: the wire's `Command` and `Response` (wire.md 3.1, 4.7).
//!
//! A `Command` is a type (field 1) and a payload in the field numbered 100 + type. Only the payload
//! that belongs to the type is looked at; fields may stand in any order.

mod kind;
mod payload;

use bytes::Bytes;
use prost::Message;

use super::fields::{Fields, Value};
use super::proto::command::Response;
use crate::machine::Command;
use kind::WireCommand;

/// What the bytes of a wire command ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// With the lowest format of a log entry, and the lowest feature level, that has it.
    Command { command: Command, format: u32 },
    /// Types 1, 2, 19, 23, 24, 27, 29: meta nodes are not changed this way (founding.md 7).
    MetaNodes,
}

/// Why the bytes are no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The envelope itself: answered 400 `unable to unmarshal command: …`.
    #[error("unable to unmarshal command: {0}")]
    Envelope(String),
    /// Unknown type, missing or undecodable payload: answered 200 `Response{OK:false}`, which
    /// clients do not retry.
    #[error("{0}")]
    Payload(String),
}

/// Decodes and validates a wire command. What it lets through, `machine::apply` can carry out.
///
/// # Errors
/// See [`DecodeError`]: in either case nothing may enter the log.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let number = command_type(bytes)?;
    match WireCommand::of(number) {
        WireCommand::Supported(supported) => {
            payload::decode(bytes, supported).map(|command| Decoded::Command {
                command,
                format: supported.format(),
            })
        }
        WireCommand::MetaNodes => Ok(Decoded::MetaNodes),
        WireCommand::Unknown => Err(DecodeError::Payload(format!(
            "unknown command type {number}"
        ))),
    }
}

/// The bytes of a wire command as Go writes them: the payload first, then the type.
/// `None` for a command of ours, which has no place on the wire.
pub fn encode(command: &Command) -> Option<Bytes> {
    payload::encode(command).ok()
}

/// The lowest format of a log entry that has this command; the oldest for what is no command.
pub(super) fn format_of(bytes: &[u8]) -> u32 {
    match command_type(bytes).map(WireCommand::of) {
        Ok(WireCommand::Supported(supported)) => supported.format(),
        _ => 1,
    }
}

/// As [`encode`], and what it is where it has no place on the wire.
pub(super) fn encode_wire(command: &Command) -> Result<Bytes, OutsideTheWire<'_>> {
    payload::encode(command)
}

/// A command of ours.
pub(super) enum OutsideTheWire<'a> {
    Ours(&'a Command),
}

/// `Response{OK:true, Index}` or `Response{OK:false, Error}`. Clients take a response without `OK`
/// for a failed transport and send the command again, so it is always there.
pub fn encode_response(result: Result<u64, &str>) -> Bytes {
    let response = Response {
        ok: Some(result.is_ok()),
        error: result.err().map(|error| error.as_bytes().to_vec()),
        index: result.ok(),
    };
    response.encode_to_vec().into()
}

/// # Errors
/// It is no response; what it says of success or failure is inside.
pub fn decode_response(bytes: &[u8]) -> Result<Result<u64, String>, DecodeError> {
    let response =
        Response::decode(bytes).map_err(|error| DecodeError::Envelope(error.to_string()))?;
    Ok(match response.error {
        Some(error) if !error.is_empty() => Err(String::from_utf8_lossy(&error).into_owned()),
        _ => Ok(response.index.unwrap_or_default()),
    })
}

/// Walks over the whole envelope: a later `type` overrides an earlier one, and a broken byte
/// anywhere makes it no command.
fn command_type(bytes: &[u8]) -> Result<i32, DecodeError> {
    let mut found = None;
    for field in Fields::of(bytes) {
        match field.map_err(|error| DecodeError::Envelope(format!("proto: {error}")))? {
            // An enum is a 32-bit number; protobuf drops what a longer varint has beyond.
            (1, Value::Varint(number)) => found = Some(number as i32),
            (1, _) => {
                return Err(DecodeError::Envelope(
                    "proto: wrong wire type for field \"type\"".to_owned(),
                ));
            }
            _ => {}
        }
    }
    found.ok_or_else(|| DecodeError::Envelope("proto: required field \"type\" not set".to_owned()))
}

#[cfg(test)]
mod tests;
