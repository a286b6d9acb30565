//! Protobuf as Go's data nodes read and write it: strict about required fields. Shares nothing with
//! `src/wire`.

/// A message as its fields, in their order.
pub struct Message<'a> {
    /// Path for error texts: `Databases.RetentionPolicies.`
    path: String,
    fields: Vec<(u64, Value<'a>)>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A fixed-width number, which occurs only in unknown fields.
    Other,
}

impl<'a> Message<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        Self::below(String::new(), bytes)
    }

    fn below(path: String, mut bytes: &'a [u8]) -> Result<Self, String> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = take_varint(&mut bytes)?;
            if key >> 3 == 0 {
                return Err("proto: illegal tag 0".to_owned());
            }
            let value = match key & 7 {
                0 => Value::Number(take_varint(&mut bytes)?),
                1 => take(&mut bytes, 8).map(|_| Value::Other)?,
                2 => {
                    let length = take_varint(&mut bytes)?;
                    Value::Bytes(take(&mut bytes, length)?)
                }
                5 => take(&mut bytes, 4).map(|_| Value::Other)?,
                other => return Err(format!("proto: illegal wireType {other}")),
            };
            fields.push((key >> 3, value));
        }
        Ok(Self { path, fields })
    }

    /// Reads a number; of several values the last counts.
    pub fn number(&self, field: u64, name: &str) -> Result<Option<u64>, String> {
        match self
            .fields
            .iter()
            .rev()
            .find(|(number, _)| *number == field)
        {
            None => Ok(None),
            Some((_, Value::Number(value))) => Ok(Some(*value)),
            Some(_) => Err(format!(
                "proto: wrong wireType for field {}{name}",
                self.path
            )),
        }
    }

    pub fn bytes(&self, field: u64, name: &str) -> Result<Option<&'a [u8]>, String> {
        Ok(self.each(field, name)?.pop())
    }

    pub fn need_number(&self, field: u64, name: &str) -> Result<u64, String> {
        self.number(field, name)?.ok_or_else(|| self.missing(name))
    }

    /// Reads a name or an address. These are bytes; invalid text is shown with replacement
    /// characters.
    pub fn need_text(&self, field: u64, name: &str) -> Result<String, String> {
        self.text(field, name)?.ok_or_else(|| self.missing(name))
    }

    pub fn text(&self, field: u64, name: &str) -> Result<Option<String>, String> {
        Ok(self.bytes(field, name)?.map(text))
    }

    pub fn texts(&self, field: u64, name: &str) -> Result<Vec<String>, String> {
        Ok(self.each(field, name)?.into_iter().map(text).collect())
    }

    /// Reads every message in this field with `read`.
    pub fn all<T>(
        &self,
        field: u64,
        name: &str,
        read: impl Fn(&Message<'a>) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let messages = self.each(field, name)?.into_iter();
        messages
            .map(|bytes| read(&Message::below(format!("{}{name}.", self.path), bytes)?))
            .collect()
    }

    fn each(&self, field: u64, name: &str) -> Result<Vec<&'a [u8]>, String> {
        let of_field = self.fields.iter().filter(|(number, _)| *number == field);
        of_field
            .map(|(_, value)| match value {
                Value::Bytes(bytes) => Ok(*bytes),
                _ => Err(format!(
                    "proto: wrong wireType for field {}{name}",
                    self.path
                )),
            })
            .collect()
    }

    fn missing(&self, name: &str) -> String {
        format!("proto: required field \"{}{name}\" not set", self.path)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let split = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.split_at_checked(length));
    let (head, rest) = split.ok_or("unexpected EOF")?;
    *bytes = rest;
    Ok(head)
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or("unexpected EOF")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("proto: integer overflow".to_owned())
}

/// A message being written, field by field in the caller's order.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// Writes a plain varint, not zigzag: negative numbers take ten bytes.
    pub fn signed(self, field: u64, value: i64) -> Self {
        self.number(field, value as u64)
    }

    pub fn flag(self, field: u64, value: bool) -> Self {
        self.number(field, value.into())
    }

    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub fn done(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}
