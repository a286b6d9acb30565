//! Tables of commands. A row has all that the bytes of a command depend on: its number, the first
//! format of a log entry that has it, its name, its payload message, and the way both ways.

use prost::Message;

use super::convert::BadField;
use super::fields::{Fields, Value};
use super::version::LOG_ENTRY;

/// A row of a table of commands.
pub(super) struct CommandType<C> {
    /// Number on the wire or in the log. Never used for another command.
    pub(super) number: u32,
    /// Number of the field that holds the payload.
    pub(super) field: u32,
    pub(super) name: &'static str,
    /// First format of a log entry that has the command, which is also the lowest feature level at
    /// which it may be proposed.
    pub(super) format: u32,
    pub(super) decode: fn(Payload<'_>) -> Result<C, PayloadError>,
}

/// The payload of a command as a field, with what its row says.
pub(super) struct EncodedPayload {
    pub(super) number: u32,
    pub(super) format: u32,
    pub(super) bytes: Vec<u8>,
}

/// The payload field of a command among the fields of `bytes`. A repeated one is merged, as
/// protobuf has it.
pub(super) struct Payload<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) field: u32,
}

/// Reasons why a payload is not that of its command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    #[error("the payload is missing")]
    Missing,
    #[error("the payload is no message")]
    NotAMessage,
    #[error("field {0} of a message has a type that it may not have")]
    WrongType(u32),
    #[error(transparent)]
    Protobuf(#[from] prost::DecodeError),
    #[error(transparent)]
    Field(#[from] BadField),
}

impl Payload<'_> {
    pub(super) fn read<M: Message + Default, C>(
        &self,
        convert: impl FnOnce(M) -> Result<C, BadField>,
    ) -> Result<C, PayloadError> {
        Ok(convert(self.message()?)?)
    }

    fn message<M: Message + Default>(&self) -> Result<M, PayloadError> {
        let mut message = None;
        for field in Fields::of(self.bytes) {
            match field? {
                (number, Value::Bytes(bytes)) if number == self.field => {
                    message.get_or_insert_with(M::default).merge(bytes)?;
                }
                (number, _) if number == self.field => return Err(PayloadError::NotAMessage),
                _ => {}
            }
        }
        message.ok_or(PayloadError::Missing)
    }
}

/// Finds the row with a number.
pub(super) fn find<C>(
    types: &'static [CommandType<C>],
    number: u32,
) -> Option<&'static CommandType<C>> {
    types.iter().find(|known| known.number == number)
}

/// Encodes a payload as a field.
pub(super) fn payload_field(field: u32, message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::message::encode(field, message, &mut bytes);
    bytes
}

/// Fails to compile unless the numbers of the rows ascend, so that none is listed twice, and this
/// version reads their formats: an entry in a newer one would halt the node that wrote it.
pub(super) const fn check_rows(rows: &[(u32, u32)]) {
    let mut at = 0;
    while at < rows.len() {
        let (number, format) = rows[at];
        assert!(at == 0 || rows[at - 1].0 < number, "numbers must ascend");
        assert!(
            format >= 1 && format <= LOG_ENTRY.newest(),
            "wire::version does not have the format"
        );
        at += 1;
    }
}

/// Makes `COMMAND_TYPES` and `encode_payload` of the rows of a table. A command without a row does
/// not compile, nor does a row without a command.
macro_rules! command_table {
    (
        $command:ident, payload in field $base:literal + number:
        $($number:literal, $format:literal: $name:ident $fields:tt
            => $message:expr, $convert:expr;)*
    ) => {
        pub(super) static COMMAND_TYPES: &[$crate::wire::command_table::CommandType<$command>] = &[
            $($crate::wire::command_table::CommandType {
                number: $number,
                field: $base + $number,
                name: stringify!($name),
                format: $format,
                decode: |payload| payload.read($convert),
            },)*
        ];

        const _: () = $crate::wire::command_table::check_rows(&[$(($number, $format)),*]);

        pub(super) fn encode_payload(
            command: &$command,
        ) -> $crate::wire::command_table::EncodedPayload {
            match command {
                $($command::$name $fields => $crate::wire::command_table::EncodedPayload {
                    number: $number,
                    format: $format,
                    bytes: $crate::wire::command_table::payload_field($base + $number, &$message),
                },)*
            }
        }
    };
}

pub(super) use command_table;
