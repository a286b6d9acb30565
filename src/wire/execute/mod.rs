//! `POST /execute`: the wire's `Command` and `Response` (wire.md 3.1, 4.7).
//!
//! A `Command` is a type (field 1) and a payload in the field numbered 100 + type. Only the payload
//! that belongs to the type is read; fields may stand in any order.

mod commands;
mod response;

use bytes::Bytes;
use prost::encoding::uint32;

use super::command_table::{CommandType, EncodedPayload, Payload, PayloadError, find};
use super::fields::{Fields, Value};
use crate::machine::WireCommand;
use commands::{COMMAND_TYPES, META_NODE_TYPES, encode_payload};
pub use response::{decode_response, encode_response};

/// Number of the field with the type.
const TYPE: u32 = 1;

/// Type of `SetData`.
pub(super) const SET_DATA_TYPE: u32 = 17;

/// Result of decoding a wire command.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    Command {
        command: WireCommand,
        /// First format of a log entry that has the command, which is also the lowest feature level
        /// at which it may be proposed.
        format: u32,
    },
    /// Types 1, 2, 19, 23, 24, 27, 29. They are never executed: meta nodes are not changed this way
    /// (founding.md 7).
    MetaNodes,
}

/// Reasons why bytes are no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The outer message is broken. `/execute` answers 400.
    #[error("unable to unmarshal command: {0}")]
    Envelope(#[from] EnvelopeFault),
    /// `/execute` answers 200 with `Response{OK:false}`, which clients do not retry, as for
    /// [`DecodeError::Payload`].
    #[error("unknown command type {0}")]
    UnknownType(i32),
    /// The payload is missing or cannot be decoded.
    #[error("invalid {command} command: {error}")]
    Payload {
        command: &'static str,
        error: PayloadError,
    },
}

/// Faults of the outer message of a command or a response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    #[error("proto: {0}")]
    Protobuf(prost::DecodeError),
    #[error("proto: wrong wire type for field \"type\"")]
    WrongWireType,
    #[error("proto: required field \"type\" not set")]
    NoType,
    /// Fault of a response.
    #[error(transparent)]
    Response(prost::DecodeError),
}

/// Decodes and validates a wire command. `machine::apply` can execute every command that this
/// returns.
///
/// # Errors
/// See [`DecodeError`]. In each case nothing may enter the log.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let number = type_number(bytes)?;
    if META_NODE_TYPES.contains(&number) {
        return Ok(Decoded::MetaNodes);
    }
    let command_type = command_type(number).ok_or(DecodeError::UnknownType(number))?;
    let payload = Payload {
        bytes,
        field: command_type.field,
    };
    match (command_type.decode)(payload) {
        Ok(command) => Ok(Decoded::Command {
            command,
            format: command_type.format,
        }),
        Err(error) => Err(DecodeError::Payload {
            command: command_type.name,
            error,
        }),
    }
}

/// Encodes a wire command as Go does: the payload first, then the type.
pub fn encode(command: &WireCommand) -> Bytes {
    let EncodedPayload {
        number, mut bytes, ..
    } = encode_payload(command);
    uint32::encode(TYPE, &number, &mut bytes);
    bytes.into()
}

/// Returns the first format of a log entry that has this command; 1 for bytes that are no command.
pub(super) fn format_of(bytes: &[u8]) -> u32 {
    type_number(bytes)
        .ok()
        .and_then(command_type)
        .map_or(1, |command_type| command_type.format)
}

/// Returns the name of a command. Does not decode its payload.
pub(super) fn name_of(bytes: &[u8]) -> Option<&'static str> {
    let command_type = type_number(bytes).ok().and_then(command_type)?;
    Some(command_type.name)
}

pub(super) fn command_type(number: i32) -> Option<&'static CommandType<WireCommand>> {
    find(COMMAND_TYPES, u32::try_from(number).ok()?)
}

/// Reads the type. Reads the whole outer message, because a later `type` overrides an earlier one
/// and a broken byte anywhere makes the message invalid.
pub(super) fn type_number(bytes: &[u8]) -> Result<i32, EnvelopeFault> {
    let mut found = None;
    for field in Fields::of(bytes) {
        match field.map_err(EnvelopeFault::Protobuf)? {
            // An enum is a 32-bit number; protobuf drops the higher bits of a longer varint.
            (TYPE, Value::Varint(number)) => found = Some(number as i32),
            (TYPE, _) => return Err(EnvelopeFault::WrongWireType),
            _ => {}
        }
    }
    found.ok_or(EnvelopeFault::NoType)
}

#[cfg(test)]
mod tests;
