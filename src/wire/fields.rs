//! Top-level fields of a protobuf message, one by one, for messages whose fields are checked
//! separately.

use prost::DecodeError;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Value of a field, as far as its wire type shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// A 32-bit value or a group. No message of this program has one.
    Other,
}

/// Iterator over field numbers and values, in the order of the bytes. Ends after the first error.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// A field with its bytes, those of its key included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) value: Value<'a>,
    pub(super) all: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Iterates over fields with all their bytes.
    pub(super) fn whole(mut self) -> impl Iterator<Item = Result<Field<'a>, DecodeError>> {
        std::iter::from_fn(move || {
            let before = self.rest;
            let field = self.next()?;
            let all = &before[..before.len() - self.rest.len()];
            Some(field.map(|(number, value)| Field { number, value, all }))
        })
    }

    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<(u32, Value<'a>), DecodeError> {
        let (number, wire_type) = decode_key(&mut self.rest)?;
        let start = self.rest;
        let value = match wire_type {
            WireType::Varint => Value::Varint(decode_varint(&mut self.rest)?),
            WireType::SixtyFourBit if start.len() >= 8 => Value::Fixed64(self.rest.get_u64_le()),
            WireType::LengthDelimited => {
                skip_field(wire_type, number, &mut self.rest, DecodeContext::default())?;
                Value::Bytes(without_length(&start[..start.len() - self.rest.len()])?)
            }
            _ => {
                skip_field(wire_type, number, &mut self.rest, DecodeContext::default())?;
                Value::Other
            }
        };
        Ok((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

fn without_length(mut field: &[u8]) -> Result<&[u8], DecodeError> {
    decode_varint(&mut field)?;
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_field_is_read() {
        let message = b"\x08\x96\x01\x11\x01\0\0\0\0\0\0\x80\x1a\x02ab\x25\0\0\0\0\x2b\x2c\x1a\0";
        let fields: Vec<_> = Fields::of(message)
            .map(|field| field.expect("well-formed"))
            .collect();
        assert_eq!(
            fields,
            [
                (1, Value::Varint(150)),
                (2, Value::Fixed64(1 << 63 | 1)),
                (3, Value::Bytes(b"ab")),
                (4, Value::Other),
                (5, Value::Other),
                (3, Value::Bytes(b"")),
            ]
        );
    }

    #[test]
    fn what_is_cut_short_is_an_error_and_the_end() {
        for message in [
            &b"\x08"[..],
            b"\x11\x01\x02",
            b"\x1a\x03ab",
            b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\x7fa",
            b"\x00",
            b"\x07",
        ] {
            let fields: Vec<_> = Fields::of(message).collect();
            assert_eq!(fields.len(), 1, "{message:?}");
            assert!(fields[0].is_err(), "{message:?}");
        }
    }
}
