//! The few messages of the wire protocol that tests need, written independently of the product's
//! own code.

/// Body that a Go data node posts for `CREATE DATABASE name`.
pub fn create_database(name: &str) -> Vec<u8> {
    let mut payload = vec![0x0a];
    varint(&mut payload, name.len() as u64);
    payload.extend_from_slice(name.as_bytes());
    let mut command = vec![0xba, 0x06];
    varint(&mut command, payload.len() as u64);
    command.extend_from_slice(&payload);
    command.extend_from_slice(&[0x08, 0x03]);
    command
}

/// Body that a Go data node posts for `CREATE USER`.
#[allow(dead_code, reason = "not every test binary makes users")]
pub fn create_user(name: &str, hash: &str, admin: bool) -> Vec<u8> {
    let mut payload = Vec::new();
    for (key, text) in [(0x0a, name), (0x12, hash)] {
        payload.push(key);
        varint(&mut payload, text.len() as u64);
        payload.extend_from_slice(text.as_bytes());
    }
    payload.extend_from_slice(&[0x18, u8::from(admin)]);
    let mut command = vec![0x8a, 0x07];
    varint(&mut command, payload.len() as u64);
    command.extend_from_slice(&payload);
    command.extend_from_slice(&[0x08, 0x0d]);
    command
}

/// Reads the wire's `Response`: the index on success, otherwise the error.
pub fn response(body: &[u8]) -> Result<u64, String> {
    let mut error = None;
    let mut index = None;
    fields(body, |number, value| match (number, value) {
        (2, Value::Bytes(text)) => error = Some(String::from_utf8_lossy(text).into_owned()),
        (3, Value::Number(n)) => index = Some(n),
        _ => {}
    });
    match error {
        Some(error) => Err(error),
        None => index.ok_or_else(|| "no index".to_owned()),
    }
}

/// Fields of the wire's `Data` that tests read.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub struct Data {
    pub index: u64,
    pub cluster_id: u64,
    pub databases: Vec<String>,
    /// HTTP addresses in order.
    pub meta_nodes: Vec<String>,
}

pub fn data(body: &[u8]) -> Data {
    let mut data = Data::default();
    fields(body, |number, value| match (number, value) {
        (2, Value::Number(n)) => data.index = n,
        (3, Value::Number(n)) => data.cluster_id = n,
        (5, Value::Bytes(database)) => data.databases.push(text_field(database, 1)),
        (11, Value::Bytes(node)) => data.meta_nodes.push(text_field(node, 2)),
        _ => {}
    });
    data
}

/// Number of shards of a database in the wire's `Data`.
#[allow(dead_code, reason = "not every test binary counts shards")]
pub fn shards(body: &[u8], database: &str) -> u64 {
    let mut count = 0;
    let each = |message: &[u8], wanted: u64, f: &mut dyn FnMut(&[u8])| {
        fields(message, |number, value| {
            if let (true, Value::Bytes(inner)) = (number == wanted, value) {
                f(inner);
            }
        });
    };
    each(body, 5, &mut |found| {
        if text_field(found, 1) == database {
            each(found, 3, &mut |policy| {
                each(policy, 5, &mut |group| each(group, 5, &mut |_| count += 1));
            });
        }
    });
    count
}

fn text_field(message: &[u8], wanted: u64) -> String {
    let mut found = String::new();
    fields(message, |number, value| {
        if let (true, Value::Bytes(text)) = (number == wanted, value) {
            found = String::from_utf8_lossy(text).into_owned();
        }
    });
    found
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn fields<'a>(mut bytes: &'a [u8], mut each: impl FnMut(u64, Value<'a>)) {
    while !bytes.is_empty() {
        let key = take_varint(&mut bytes);
        let value = match key & 7 {
            0 => Value::Number(take_varint(&mut bytes)),
            2 => {
                let length = take_varint(&mut bytes) as usize;
                let (head, tail) = bytes.split_at(length);
                bytes = tail;
                Value::Bytes(head)
            }
            other => panic!("wire type {other} in an answer"),
        };
        each(key >> 3, value);
    }
}

fn take_varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a whole varint");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
    }
    panic!("varint too long")
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
