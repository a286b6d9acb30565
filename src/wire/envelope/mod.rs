//! The log entry's envelope: 1 format, 2 at = sfixed64 unix ns, 3 flags (bit 0 = the proposer's
//! `retention-autocreate`), then 4 the wire command's bytes, 5 a command of ours or 6 a large wire
//! command, deflated.
//!
//! The format is the lowest that can read the entry, and comes first, so that an older version says
//! "newer" before it stumbles over the rest. A new command, field or flag raises it for the entries
//! that use it. Reading is strict: a node that skipped what it does not understand would differ
//! from the others in silence.

mod compressed;
mod data_nodes;
mod internal;
mod members;

use bytes::Bytes;
use prost::Message;
use prost::encoding::{self, sfixed64, uint32};

use super::execute::{self, Decoded, OutsideTheWire};
use super::fields::{Fields, Value};
use super::proto::entry::Ours;
use crate::base::UnixNanos;
use crate::machine::{Command, Stamped};

/// The newest format that this version reads: 2 has the commands of joining, moving and removing, 3
/// those about data nodes, shards, users, queries and leases, and packs large ones.
const NEWEST_FORMAT: u32 = 3;

const FORMAT: u32 = 1;
const AT: u32 = 2;
const FLAGS: u32 = 3;
const WIRE: u32 = 4;
const OURS: u32 = 5;
const PACKED: u32 = 6;

const RETENTION_AUTOCREATE: u32 = 1;

/// Format, stamp and flags as written here: 2 + 9 + 2 bytes.
const HEAD_LEN: usize = 13;

/// What a proposal carries: the wire's bytes as they came, or a command of ours.
/// (`Ours` with a command of the wire's set is written as the wire has it.)
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Wire(Bytes),
    Ours(Command),
}

/// An entry that this node cannot read: it halts, and never skips it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("entry format {found}, this version reads up to {newest}")]
    Newer { found: u32, newest: u32 },
    #[error("undecodable entry: {0}")]
    Malformed(String),
}

/// The entry's bytes: what the WAL writes, what followers are sent, what is decoded at apply.
pub fn encode(at: UnixNanos, retention_autocreate: bool, body: &Body) -> Bytes {
    let command = match body {
        Body::Wire(command) => return encode_wire(at, retention_autocreate, command),
        Body::Ours(command) => match execute::encode_wire(command) {
            Ok(command) => return encode_wire(at, retention_autocreate, &command),
            Err(OutsideTheWire::Ours(command)) => command,
        },
    };
    let (format, ours) = (internal::format_of(command), Ours::from(command));
    let mut bytes = head(
        format,
        at,
        retention_autocreate,
        encoding::message::encoded_len(OURS, &ours),
    );
    encoding::message::encode(OURS, &ours, &mut bytes);
    bytes.into()
}

/// Whether encoding a wire command takes long, for it may be packed.
pub fn is_large(command: &[u8]) -> bool {
    command.len() >= compressed::MIN_COMPRESSED_BYTES
}

/// # Errors
/// When this version cannot carry out the entry; then no version of this program logged it, or a
/// newer one.
pub fn decode(bytes: &[u8]) -> Result<Stamped, EnvelopeError> {
    let parts = EntryFields::of(bytes)?;
    let format = parts
        .format
        .ok_or_else(|| malformed("it does not begin with its format"))?;
    let flags = parts.flags.ok_or_else(|| malformed("it has no flags"))?;
    if flags & !u64::from(RETENTION_AUTOCREATE) != 0 {
        return Err(malformed(format!("unknown flags {flags:#x}")));
    }
    Ok(Stamped {
        at: UnixNanos(
            parts
                .at
                .ok_or_else(|| malformed("it has no stamp"))?
                .cast_signed(),
        ),
        retention_autocreate: flags & u64::from(RETENTION_AUTOCREATE) != 0,
        command: match (parts.wire, parts.ours, parts.packed) {
            (Some(wire), None, None) => decode_wire(format, wire)?,
            (None, Some(ours), None) => decode_ours(format, ours)?,
            (None, None, Some(packed)) => decode_packed(format, packed)?,
            _ => return Err(malformed("it has not one command")),
        },
    })
}

fn encode_wire(at: UnixNanos, retention_autocreate: bool, command: &Bytes) -> Bytes {
    let format = execute::format_of(command);
    let packs = format >= compressed::SINCE_FORMAT && is_large(command);
    let packed = if packs {
        compressed::pack(command)
    } else {
        None
    };
    let (field, body) = packed
        .as_ref()
        .map_or((WIRE, command), |packed| (PACKED, packed));
    let mut bytes = head(
        format,
        at,
        retention_autocreate,
        encoding::bytes::encoded_len(field, body),
    );
    encoding::bytes::encode(field, body, &mut bytes);
    bytes.into()
}

/// The first three fields, with room for exactly what follows: one allocation for the whole entry.
fn head(format: u32, at: UnixNanos, retention_autocreate: bool, body_len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_LEN + body_len);
    uint32::encode(FORMAT, &format, &mut bytes);
    sfixed64::encode(AT, &at.0, &mut bytes);
    uint32::encode(
        FLAGS,
        &(RETENTION_AUTOCREATE * u32::from(retention_autocreate)),
        &mut bytes,
    );
    bytes
}

/// The fields as they stand in the bytes, each at most once.
#[derive(Default)]
struct EntryFields<'a> {
    format: Option<u64>,
    at: Option<u64>,
    flags: Option<u64>,
    wire: Option<&'a [u8]>,
    ours: Option<&'a [u8]>,
    packed: Option<&'a [u8]>,
}

impl<'a> EntryFields<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let mut parts = Self::default();
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(malformed)?;
            let taken = match (number, value) {
                (FORMAT, Value::Varint(format)) => {
                    check_format(format)?;
                    parts.format.replace(format).is_some()
                }
                // The format says whether the rest is for us to read: it comes first.
                _ if parts.format.is_none() => {
                    return Err(malformed("it does not begin with its format"));
                }
                (AT, Value::Fixed64(at)) => parts.at.replace(at).is_some(),
                (FLAGS, Value::Varint(flags)) => parts.flags.replace(flags).is_some(),
                (WIRE, Value::Bytes(wire)) => parts.wire.replace(wire).is_some(),
                (OURS, Value::Bytes(ours)) => parts.ours.replace(ours).is_some(),
                (PACKED, Value::Bytes(packed)) => parts.packed.replace(packed).is_some(),
                _ => return Err(malformed(format!("unknown field {number}"))),
            };
            if taken {
                return Err(malformed(format!("field {number} twice")));
            }
        }
        Ok(parts)
    }
}

fn check_format(format: u64) -> Result<(), EnvelopeError> {
    match u32::try_from(format) {
        Ok(0) => Err(malformed("format 0")),
        Ok(found) if found <= NEWEST_FORMAT => Ok(()),
        found => Err(EnvelopeError::Newer {
            found: found.unwrap_or(u32::MAX),
            newest: NEWEST_FORMAT,
        }),
    }
}

fn decode_wire(format: u64, bytes: &[u8]) -> Result<Command, EnvelopeError> {
    match execute::decode(bytes).map_err(malformed)? {
        Decoded::Command {
            command,
            format: lowest,
        } if u64::from(lowest) <= format => Ok(command),
        // An older version could not read it: no version wrote this.
        Decoded::Command { .. } => Err(malformed(format!(
            "format {format} does not have this command"
        ))),
        // Such commands are refused before they are logged: only damage or another program brings
        // one here.
        Decoded::MetaNodes => Err(malformed("a wire command that changes meta nodes")),
    }
}

fn decode_packed(format: u64, bytes: &[u8]) -> Result<Command, EnvelopeError> {
    if format < u64::from(compressed::SINCE_FORMAT) {
        return Err(malformed(format!("format {format} does not pack commands")));
    }
    decode_wire(format, &compressed::unpack(bytes).map_err(malformed)?)
}

fn decode_ours(format: u64, bytes: &[u8]) -> Result<Command, EnvelopeError> {
    // Of two commands protobuf takes the last, and passes over one that it does not know.
    if Fields::of(bytes).count() != 1 {
        return Err(malformed("it has not one command"));
    }
    let ours = Ours::decode(bytes).map_err(malformed)?;
    let command = Command::try_from(ours).map_err(malformed)?;
    // An older version could not read it: no version wrote this.
    if u64::from(internal::format_of(&command)) > format {
        return Err(malformed(format!(
            "format {format} does not have this command"
        )));
    }
    Ok(command)
}

fn malformed(why: impl ToString) -> EnvelopeError {
    EnvelopeError::Malformed(why.to_string())
}

#[cfg(test)]
mod tests;
