//! Splits a restore that costs more than one command may into parts that do not.
//!
//! Walks over the bytes of the command and keeps slices of them. A database that is too large
//! for a part comes without its policies and queries, which follow; a policy likewise. Nothing is
//! decoded but one part at a time, to check it.

use std::ops::Range;

use bytes::Bytes;
use prost::encoding;

use super::budget::{self, Count, MAX_COMMAND_COST, OverBudget, Scope};
use super::command_table::PayloadError;
use super::convert::BadField;
use super::envelope::{IN_DATA, IN_DATABASE, IN_POLICY, restore_items};
use super::execute::{DecodeError, SET_DATA_TYPE};
use super::fields::{Field, Fields, Value};
use crate::machine::{AddRestorePart, BeginRestore, RestoreItem, RestoreRef};

/// A restore to be proposed in parts.
#[derive(Debug)]
pub struct SplitRestore {
    command: Bytes,
    id: u64,
    head: Head,
    parts: Vec<Vec<Piece>>,
    size: u64,
}

#[derive(Debug, Default)]
struct Head {
    term: Option<u64>,
    index: Option<u64>,
    cluster_id: Option<u64>,
    max_node_id: Option<u64>,
    max_shard_group_id: Option<u64>,
    max_shard_id: Option<u64>,
}

/// Consecutive fields of one message, with the level of that message.
#[derive(Debug)]
struct Piece {
    level: u32,
    fields: Source,
}

#[derive(Debug)]
enum Source {
    /// Range of the command.
    Slice(Range<usize>),
    Made(Vec<u8>),
}

/// Reasons why a restore cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// A single element costs too much.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
}

impl From<PayloadError> for SplitError {
    fn from(error: PayloadError) -> Self {
        Self::Malformed(DecodeError::Payload {
            command: "SetData",
            error,
        })
    }
}

impl From<prost::DecodeError> for SplitError {
    fn from(error: prost::DecodeError) -> Self {
        PayloadError::from(error).into()
    }
}

impl SplitRestore {
    /// Splits a `SetData` that was counted, and checks each part.
    ///
    /// # Errors
    /// See [`SplitError`].
    pub fn of(id: u64, command: &Bytes) -> Result<Self, SplitError> {
        let mut splitter = Splitter::of(command);
        each_message(command, 100 + SET_DATA_TYPE, |payload| {
            each_message(payload, 1, |data| splitter.add_data(data))
        })?;
        splitter.end_part();
        let Splitter { head, parts, .. } = splitter;
        let mut split = Self {
            command: command.clone(),
            id,
            head,
            parts,
            size: 0,
        };
        split.begin()?;
        for number in 0..split.len() {
            let part = split.part(number)?;
            split.size += part.items.iter().map(RestoreItem::size).sum::<u64>();
        }
        Ok(split)
    }

    /// Returns the bytes that all parts add to the size of the catalog.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of parts.
    pub fn len(&self) -> u32 {
        self.parts.len() as u32
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// # Errors
    /// A required field is missing.
    pub fn begin(&self) -> Result<BeginRestore, SplitError> {
        let required = |field: Option<u64>, name| {
            field.ok_or_else(|| SplitError::from(PayloadError::Field(BadField::Missing(name))))
        };
        required(self.head.term, "Data.Term")?;
        required(self.head.cluster_id, "Data.ClusterID")?;
        required(self.head.max_node_id, "Data.MaxNodeID")?;
        Ok(BeginRestore {
            id: self.id,
            index: required(self.head.index, "Data.Index")?,
            max_shard_group_id: required(self.head.max_shard_group_id, "Data.MaxShardGroupID")?,
            max_shard_id: required(self.head.max_shard_id, "Data.MaxShardID")?,
        })
    }

    /// Decodes a part, from 0.
    ///
    /// # Errors
    /// Its elements are not what they have to be.
    pub fn part(&self, number: u32) -> Result<AddRestorePart, SplitError> {
        let mut content = Vec::new();
        for piece in self.parts.get(number as usize).into_iter().flatten() {
            let fields = match &piece.fields {
                Source::Slice(at) => self.command.slice(at.clone()),
                Source::Made(bytes) => Bytes::copy_from_slice(bytes),
            };
            encoding::bytes::encode(piece.level, &fields, &mut content);
        }
        Ok(AddRestorePart {
            of: self.after(number),
            items: restore_items(&content)?,
        })
    }

    /// Names the restore after this many parts.
    pub fn after(&self, parts: u32) -> RestoreRef {
        RestoreRef { id: self.id, parts }
    }
}

struct Splitter<'a> {
    command: &'a [u8],
    head: Head,
    parts: Vec<Vec<Piece>>,
    part: Vec<Piece>,
    count: Count,
}

impl<'a> Splitter<'a> {
    fn of(command: &'a [u8]) -> Self {
        Self {
            command,
            head: Head::default(),
            parts: Vec::new(),
            part: Vec::new(),
            count: Count::default(),
        }
    }

    fn add_data(&mut self, data: &'a [u8]) -> Result<(), SplitError> {
        for field in Fields::of(data).whole() {
            let field = field?;
            let found = match (field.number, field.value) {
                (5, Value::Bytes(database)) => {
                    self.add_database(&field, database)?;
                    continue;
                }
                (6, _) => {
                    self.add(IN_DATA, Scope::Data, field.all)?;
                    continue;
                }
                (4 | 10 | 11, Value::Bytes(node)) => {
                    check_node(node)?;
                    continue;
                }
                (1, _) => &mut self.head.term,
                (2, _) => &mut self.head.index,
                (3, _) => &mut self.head.cluster_id,
                (7, _) => &mut self.head.max_node_id,
                (8, _) => &mut self.head.max_shard_group_id,
                (9, _) => &mut self.head.max_shard_id,
                _ => continue,
            };
            if let Value::Varint(number) = field.value {
                *found = Some(number);
            }
        }
        Ok(())
    }

    fn add_database(&mut self, field: &Field<'a>, database: &'a [u8]) -> Result<(), SplitError> {
        if fits(&budget::count_fields(Scope::Data, field.all)?) {
            return self.add(IN_DATA, Scope::Data, field.all);
        }
        self.add_made(IN_DATA, Scope::Data, without(5, database, &[3, 4])?)?;
        for field in Fields::of(database).whole() {
            let field = field?;
            match (field.number, field.value) {
                (3, Value::Bytes(policy)) => self.add_policy(&field, policy)?,
                (4, _) => self.add(IN_DATABASE, Scope::Database, field.all)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_policy(&mut self, field: &Field<'a>, policy: &'a [u8]) -> Result<(), SplitError> {
        if fits(&budget::count_fields(Scope::Database, field.all)?) {
            return self.add(IN_DATABASE, Scope::Database, field.all);
        }
        self.add_made(IN_DATABASE, Scope::Database, without(3, policy, &[5, 6])?)?;
        for field in Fields::of(policy).whole() {
            let field = field?;
            if matches!(field.number, 5 | 6) {
                self.add(IN_POLICY, Scope::Policy, field.all)?;
            }
        }
        Ok(())
    }

    /// Adds a field of the command.
    fn add(&mut self, level: u32, scope: Scope, field: &'a [u8]) -> Result<(), SplitError> {
        self.make_room(&budget::count_fields(scope, field)?)?;
        let start = field.as_ptr().addr() - self.command.as_ptr().addr();
        let end = start + field.len();
        // Fields that follow each other in the command stay one slice.
        if let Some(Piece {
            level: last,
            fields: Source::Slice(at),
        }) = self.part.last_mut()
            && (*last, at.end) == (level, start)
        {
            at.end = end;
            return Ok(());
        }
        self.part.push(Piece {
            level,
            fields: Source::Slice(start..end),
        });
        Ok(())
    }

    fn add_made(&mut self, level: u32, scope: Scope, field: Vec<u8>) -> Result<(), SplitError> {
        self.make_room(&budget::count_fields(scope, &field)?)?;
        self.part.push(Piece {
            level,
            fields: Source::Made(field),
        });
        Ok(())
    }

    /// Counts more content for the part, or begins the next part with it.
    fn make_room(&mut self, more: &Count) -> Result<(), SplitError> {
        if !fits(more) {
            return Err(more.over().into());
        }
        if !fits(&self.count.plus(more)) {
            self.end_part();
        }
        self.count = self.count.plus(more);
        Ok(())
    }

    fn end_part(&mut self) {
        if !self.part.is_empty() {
            self.parts.push(std::mem::take(&mut self.part));
        }
        self.count = Count::default();
    }
}

/// Whether content fits into a part. A part takes half of what a command may cost: the leader
/// decodes the next one while it applies one.
fn fits(count: &Count) -> bool {
    count.cost() <= MAX_COMMAND_COST / 2
}

/// Makes field `number` of a message without some of its fields.
fn without(number: u32, message: &[u8], fields: &[u32]) -> Result<Vec<u8>, SplitError> {
    let mut rest = Vec::new();
    for field in Fields::of(message).whole() {
        let field = field?;
        if !fields.contains(&field.number) {
            rest.extend_from_slice(field.all);
        }
    }
    let mut bytes = Vec::new();
    encoding::bytes::encode(number, &rest, &mut bytes);
    Ok(bytes)
}

/// Visits the messages in a field, in their order.
fn each_message<'a>(
    message: &'a [u8],
    wanted: u32,
    mut visit: impl FnMut(&'a [u8]) -> Result<(), SplitError>,
) -> Result<(), SplitError> {
    for field in Fields::of(message) {
        match field? {
            (number, Value::Bytes(bytes)) if number == wanted => visit(bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks that a node has its required field, as the decoder of a whole restore does.
fn check_node(node: &[u8]) -> Result<(), SplitError> {
    for field in Fields::of(node) {
        if let (1, Value::Varint(_)) = field? {
            return Ok(());
        }
    }
    Err(PayloadError::Field(BadField::Missing("Data.Nodes.ID")).into())
}

#[cfg(test)]
mod tests;
