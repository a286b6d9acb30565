//! The pass over the bytes of a message, by the table of its fields. It accepts what prost accepts.

use prost::encoding::decode_varint;

use super::Count;
use super::messages::{Kind, Message};
use crate::wire::command_table::PayloadError;
use crate::wire::fields::{Fields, Value};

/// Counts the payload of a command: all fields with this number, as protobuf merges them.
pub(super) fn payload(
    command: &[u8],
    field: u32,
    message: &Message,
    count: &mut Count,
) -> Result<(), PayloadError> {
    for found in Fields::of(command) {
        if let (number, Value::Bytes(bytes)) = found?
            && number == field
        {
            walk(bytes, message, count)?;
        }
    }
    Ok(())
}

/// Counts the fields of a message.
pub(super) fn walk(bytes: &[u8], message: &Message, count: &mut Count) -> Result<(), PayloadError> {
    for field in Fields::of(bytes) {
        let (number, value) = field?;
        let Some(kind) = message.kind(number) else {
            continue;
        };
        match (kind, value) {
            (Kind::Number, Value::Varint(_)) | (Kind::Bytes, Value::Bytes(_)) => {}
            (Kind::Numbers(element), Value::Varint(_)) => count.add(element),
            (Kind::Numbers(element), Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    decode_varint(&mut packed)?;
                    count.add(element);
                }
            }
            (Kind::Texts(element), Value::Bytes(_)) => count.add(element),
            (Kind::Message(message), Value::Bytes(bytes)) => {
                message
                    .element
                    .iter()
                    .for_each(|element| count.add(*element));
                walk(bytes, message, count)?;
            }
            // Its elements are not decoded, so they cost nothing but their bytes. Members of an
            // older version decode them: they must be messages.
            (Kind::Ignored(message), Value::Bytes(bytes)) => {
                walk(bytes, message, &mut Count::default())?;
            }
            _ => return Err(PayloadError::WrongType(number)),
        }
    }
    Ok(())
}
