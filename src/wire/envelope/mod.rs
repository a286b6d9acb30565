//! The log entry's envelope: 1 format, 2 at = sfixed64 unix ns, 3 flags (bit 0 = the proposer's
//! `retention-autocreate`), then one of: 4 a wire command's bytes, 5 an internal command, 6 a large
//! wire command, compressed with deflate.
//!
//! The format is the lowest one that can read the entry. It comes first, so that an older version
//! reports "newer" before it fails at the rest. A new command, field or flag raises the format of
//! the entries that use it. Reading is strict: a node that skipped what it does not understand
//! would silently differ from the others.

mod compressed;
mod internal;

use bytes::Bytes;
use prost::encoding::{self, sfixed64, uint32};

use super::command_table::PayloadError;
use super::convert::BadField;
use super::execute::{self, Decoded};
use super::fields::{Fields, Value};
use super::version::LOG_ENTRY;
use crate::base::UnixNanos;
use crate::machine::{Command, InternalCommand, Stamped, WireCommand};
use compressed::CompressionError;
pub(super) use internal::{IN_DATA, IN_DATABASE, IN_POLICY, restore_items};

/// Newest format that this version reads.
const NEWEST_FORMAT: u32 = LOG_ENTRY.newest();

const FORMAT: u32 = 1;
const AT: u32 = 2;
const FLAGS: u32 = 3;
const WIRE: u32 = 4;
const INTERNAL: u32 = 5;
const COMPRESSED: u32 = 6;

const RETENTION_AUTOCREATE: u32 = 1;

/// Length of format, stamp and flags as written here: 2 + 9 + 2 bytes.
const HEAD_LEN: usize = 13;

/// A command to propose.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Bytes of a wire command, which are logged as a client sent them.
    Wire(Bytes),
    Internal(InternalCommand),
}

impl From<WireCommand> for Body {
    fn from(command: WireCommand) -> Self {
        Self::Wire(execute::encode(&command))
    }
}

impl From<InternalCommand> for Body {
    fn from(command: InternalCommand) -> Self {
        Self::Internal(command)
    }
}

impl From<Command> for Body {
    fn from(command: Command) -> Self {
        match command {
            Command::Wire(command) => command.into(),
            Command::Internal(command) => command.into(),
        }
    }
}

/// An entry that this node cannot read. The node halts and never skips it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("entry format {found}, this version reads up to {newest}")]
    Newer { found: u32, newest: u32 },
    #[error("undecodable entry: {0}")]
    Malformed(EntryFault),
}

/// Faults of an entry that no version of this program wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    #[error("it does not begin with its format")]
    NoFormat,
    #[error("format 0")]
    FormatZero,
    #[error("it has no stamp")]
    NoStamp,
    #[error("it has no flags")]
    NoFlags,
    #[error("unknown flags {0:#x}")]
    UnknownFlags(u64),
    #[error("unknown field {0}")]
    UnknownField(u32),
    #[error("field {0} twice")]
    FieldTwice(u32),
    #[error("it has not one command")]
    NotOneCommand,
    /// An older version could not read the entry.
    #[error("format {format} does not have this command")]
    NewerCommand { format: u64 },
    #[error("format {format} does not pack commands")]
    NoCompression { format: u64 },
    /// Such commands are refused before they are logged: only damage or another program brings one
    /// here.
    #[error("a wire command that changes meta nodes")]
    MetaNodes,
    #[error(transparent)]
    Protobuf(#[from] prost::DecodeError),
    #[error(transparent)]
    Compression(#[from] CompressionError),
    #[error(transparent)]
    Wire(#[from] execute::DecodeError),
    #[error(transparent)]
    Internal(#[from] PayloadError),
}

impl From<BadField> for EntryFault {
    fn from(field: BadField) -> Self {
        Self::Internal(field.into())
    }
}

/// Encodes an entry: the bytes that the WAL writes, followers receive, and every node decodes to
/// apply it.
pub fn encode(at: UnixNanos, retention_autocreate: bool, body: &Body) -> Bytes {
    match body {
        Body::Wire(command) => encode_wire(at, retention_autocreate, command),
        Body::Internal(command) => {
            let payload = internal::encode_payload(command);
            let head = Head {
                format: payload.format,
                at,
                retention_autocreate,
            };
            head.followed_by(INTERNAL, &payload.bytes.into())
        }
    }
}

/// Minimum length of a command that takes long to decode, encode or apply. It is not done on the
/// threads that carry Raft.
pub const MIN_LARGE_BYTES: usize = 64 << 10;

/// Returns whether decoding, encoding or applying a command of these bytes takes long.
pub fn is_large(bytes: &[u8]) -> bool {
    bytes.len() >= MIN_LARGE_BYTES
}

/// # Errors
/// This version cannot execute the entry: a newer version logged it, or no version of this program
/// did.
pub fn decode(bytes: &[u8]) -> Result<Stamped, EnvelopeError> {
    let fields = EntryFields::of(bytes)?;
    fields.stamped().map_err(EnvelopeError::Malformed)
}

/// Returns the name of an entry's command, without decoding the command itself.
pub fn command_name(bytes: &[u8]) -> Option<&'static str> {
    let entry = EntryFields::of(bytes).ok()?;
    match (entry.wire, entry.internal, entry.compressed) {
        (Some(wire), ..) => execute::name_of(wire),
        (_, Some(internal), _) => internal::name_of(internal),
        (.., Some(_)) => Some("compressed command"),
        _ => None,
    }
}

fn encode_wire(at: UnixNanos, retention_autocreate: bool, command: &Bytes) -> Bytes {
    let head = Head {
        format: execute::format_of(command),
        at,
        retention_autocreate,
    };
    let compresses = head.format >= compressed::SINCE_FORMAT
        && command.len() >= compressed::MIN_COMPRESSED_BYTES;
    let compressed = compresses.then(|| compressed::compress(command)).flatten();
    match compressed {
        Some(compressed) => head.followed_by(COMPRESSED, &compressed),
        None => head.followed_by(WIRE, command),
    }
}

/// The first three fields.
struct Head {
    format: u32,
    at: UnixNanos,
    retention_autocreate: bool,
}

impl Head {
    /// Encodes the whole entry, with one allocation of exactly its length.
    fn followed_by(&self, field: u32, body: &Bytes) -> Bytes {
        let mut bytes = Vec::with_capacity(HEAD_LEN + encoding::bytes::encoded_len(field, body));
        uint32::encode(FORMAT, &self.format, &mut bytes);
        sfixed64::encode(AT, &self.at.0, &mut bytes);
        uint32::encode(
            FLAGS,
            &(RETENTION_AUTOCREATE * u32::from(self.retention_autocreate)),
            &mut bytes,
        );
        encoding::bytes::encode(field, body, &mut bytes);
        bytes.into()
    }
}

/// The fields of an entry, each at most once.
#[derive(Default)]
struct EntryFields<'a> {
    format: Option<u64>,
    at: Option<u64>,
    flags: Option<u64>,
    wire: Option<&'a [u8]>,
    internal: Option<&'a [u8]>,
    compressed: Option<&'a [u8]>,
}

impl<'a> EntryFields<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let mut entry = Self::default();
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(malformed)?;
            let is_repeated = match (number, value) {
                (FORMAT, Value::Varint(format)) => {
                    check_format(format)?;
                    entry.format.replace(format).is_some()
                }
                // The format decides whether this version may read the rest: it comes first.
                _ if entry.format.is_none() => return Err(malformed(EntryFault::NoFormat)),
                (AT, Value::Fixed64(at)) => entry.at.replace(at).is_some(),
                (FLAGS, Value::Varint(flags)) => entry.flags.replace(flags).is_some(),
                (WIRE, Value::Bytes(wire)) => entry.wire.replace(wire).is_some(),
                (INTERNAL, Value::Bytes(internal)) => entry.internal.replace(internal).is_some(),
                (COMPRESSED, Value::Bytes(compressed)) => {
                    entry.compressed.replace(compressed).is_some()
                }
                _ => return Err(malformed(EntryFault::UnknownField(number))),
            };
            if is_repeated {
                return Err(malformed(EntryFault::FieldTwice(number)));
            }
        }
        Ok(entry)
    }

    fn stamped(self) -> Result<Stamped, EntryFault> {
        let format = self.format.ok_or(EntryFault::NoFormat)?;
        let flags = self.flags.ok_or(EntryFault::NoFlags)?;
        if flags & !u64::from(RETENTION_AUTOCREATE) != 0 {
            return Err(EntryFault::UnknownFlags(flags));
        }
        let at = self.at.ok_or(EntryFault::NoStamp)?;
        let command = match (self.wire, self.internal, self.compressed) {
            (Some(wire), None, None) => decode_wire(format, wire)?.into(),
            (None, Some(internal), None) => internal::decode(format, internal)?.into(),
            (None, None, Some(compressed)) => decode_compressed(format, compressed)?.into(),
            _ => return Err(EntryFault::NotOneCommand),
        };
        Ok(Stamped {
            at: UnixNanos(at.cast_signed()),
            retention_autocreate: flags & u64::from(RETENTION_AUTOCREATE) != 0,
            command,
        })
    }
}

fn check_format(format: u64) -> Result<(), EnvelopeError> {
    match u32::try_from(format) {
        Ok(0) => Err(malformed(EntryFault::FormatZero)),
        Ok(found) if found <= NEWEST_FORMAT => Ok(()),
        found => Err(EnvelopeError::Newer {
            found: found.unwrap_or(u32::MAX),
            newest: NEWEST_FORMAT,
        }),
    }
}

fn decode_wire(format: u64, bytes: &[u8]) -> Result<WireCommand, EntryFault> {
    match execute::decode(bytes)? {
        Decoded::Command {
            command,
            format: lowest,
        } if u64::from(lowest) <= format => Ok(command),
        Decoded::Command { .. } => Err(EntryFault::NewerCommand { format }),
        Decoded::MetaNodes => Err(EntryFault::MetaNodes),
    }
}

fn decode_compressed(format: u64, bytes: &[u8]) -> Result<WireCommand, EntryFault> {
    if format < u64::from(compressed::SINCE_FORMAT) {
        return Err(EntryFault::NoCompression { format });
    }
    decode_wire(format, &compressed::decompress(bytes)?)
}

fn malformed(fault: impl Into<EntryFault>) -> EnvelopeError {
    EnvelopeError::Malformed(fault.into())
}

#[cfg(test)]
mod tests;
