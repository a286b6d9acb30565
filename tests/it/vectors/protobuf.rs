//! A protobuf reader of the tests' own, so that bytes are not checked by the code that made them.

/// A message as its fields, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree(pub(super) Vec<(u64, Value)>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Tree {
    pub(crate) fn read(mut bytes: &[u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let value = match key & 7 {
                0 => Value::Number(varint(&mut bytes)),
                2 => {
                    let len = usize::try_from(varint(&mut bytes)).expect("a length");
                    let (content, rest) = bytes.split_at(len);
                    bytes = rest;
                    Value::Bytes(content.to_vec())
                }
                other => panic!("wire type {other}"),
            };
            fields.push((key >> 3, value));
        }
        Self(fields)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, value) in &self.0 {
            match value {
                Value::Number(value) => {
                    put_varint(number << 3, &mut bytes);
                    put_varint(*value, &mut bytes);
                }
                Value::Bytes(content) => {
                    put_varint(number << 3 | 2, &mut bytes);
                    put_varint(content.len() as u64, &mut bytes);
                    bytes.extend(content);
                }
            }
        }
        bytes
    }

    pub(crate) fn number(&self, field: u64) -> u64 {
        match self.0.iter().find(|(number, _)| *number == field) {
            Some((_, Value::Number(value))) => *value,
            other => panic!("field {field}: {other:?}"),
        }
    }

    pub(crate) fn bytes(&self, field: u64) -> &[u8] {
        self.all(field)
            .next()
            .unwrap_or_else(|| panic!("no field {field}"))
    }

    pub(super) fn all(&self, field: u64) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |(number, _)| *number == field)
            .map(|(number, value)| match value {
                Value::Bytes(content) => content.as_slice(),
                Value::Number(_) => panic!("field {number} is a number"),
            })
    }

    pub(crate) fn trees(&self, field: u64) -> impl Iterator<Item = Self> {
        self.all(field).map(Self::read)
    }

    pub(super) fn without(mut self, fields: &[u64]) -> Self {
        self.0.retain(|(number, _)| !fields.contains(number));
        self
    }

    /// Replaces every message in `field` by `change` of it.
    pub(super) fn with_each(mut self, field: u64, change: impl Fn(Self) -> Self) -> Self {
        for (number, value) in &mut self.0 {
            if let Value::Bytes(content) = value
                && *number == field
            {
                *content = change(Self::read(content)).write();
            }
        }
        self
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a varint");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return value;
        }
    }
    panic!("a varint of more than ten bytes");
}

fn put_varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
