//! Budget of one command: its cost, counted over its bytes before anything is decoded.
//!
//! A few bytes can become a lot of memory: a shard group of 2 bytes needs 104 as a message. One
//! pass over the bytes counts the elements of a command, without allocating, and adds up an upper
//! bound of the memory that it costs to decode, apply, keep, log and send it. A command above
//! [`MAX_COMMAND_COST`] never enters the log: every node would have to apply it, and again at each
//! start.
//!
//! Only a proposer counts. What is in a log is always applied, whatever it costs.

mod messages;
mod walk;

use std::fmt;

use super::command_table::PayloadError;
use super::execute::{self, DecodeError, SET_DATA_TYPE};
use crate::machine::InternalCommand;
use messages::payload;

/// Maximum cost of one command, in bytes of memory. A constant of the format, and no setting: a
/// command that one node lets in, each node has to apply. Far below 64 MiB, the smallest memory of
/// a node with a small catalog.
pub const MAX_COMMAND_COST: u64 = 8 << 20;

/// Bytes of memory for each byte of a command: the request, the entry in the log, its record, what
/// is sent to each follower, and the text in the catalog.
const COST_OF_A_BYTE: u64 = 6;

/// Parts of a command that cost memory of their own, whatever their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Database,
    RetentionPolicy,
    ShardGroup,
    Shard,
    Owner,
    User,
    Privilege,
    ContinuousQuery,
    Subscription,
    Destination,
    Node,
    Member,
}

impl Element {
    const ALL: [Self; 12] = [
        Self::Database,
        Self::RetentionPolicy,
        Self::ShardGroup,
        Self::Shard,
        Self::Owner,
        Self::User,
        Self::Privilege,
        Self::ContinuousQuery,
        Self::Subscription,
        Self::Destination,
        Self::Node,
        Self::Member,
    ];

    /// Returns the upper bound of the memory that one costs besides its bytes, while it is decoded
    /// and applied. The test `budget` in `tests/it` compares these with what is allocated.
    const fn cost(self) -> u64 {
        match self {
            Self::Database => 700,
            Self::RetentionPolicy => 2_300,
            Self::ShardGroup => 500,
            Self::Shard => 400,
            Self::Owner => 64,
            Self::User => 1_100,
            Self::Privilege => 300,
            Self::ContinuousQuery => 400,
            Self::Subscription => 450,
            Self::Destination => 200,
            Self::Node => 64,
            Self::Member => 200,
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::Database => "databases",
            Self::RetentionPolicy => "retention policies",
            Self::ShardGroup => "shard groups",
            Self::Shard => "shards",
            Self::Owner => "owners of shards",
            Self::User => "users",
            Self::Privilege => "privileges",
            Self::ContinuousQuery => "continuous queries",
            Self::Subscription => "subscriptions",
            Self::Destination => "destinations",
            Self::Node => "nodes",
            Self::Member => "members of roles",
        }
    }
}

/// Elements and bytes of a command, or of a part of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    bytes: u64,
    elements: [u64; Element::ALL.len()],
}

impl Count {
    /// Returns the count of bytes without elements.
    pub fn of_bytes(bytes: usize) -> Self {
        Self {
            bytes: bytes as u64,
            ..Self::default()
        }
    }

    fn add(&mut self, element: Element) {
        self.elements[element as usize] += 1;
    }

    pub fn of(&self, element: Element) -> u64 {
        self.elements[element as usize]
    }

    /// Returns the upper bound of the memory, in bytes.
    pub fn cost(&self) -> u64 {
        let elements = Element::ALL.iter().map(|element| self.cost_of(*element));
        elements.fold(
            self.bytes.saturating_mul(COST_OF_A_BYTE),
            u64::saturating_add,
        )
    }

    fn cost_of(&self, element: Element) -> u64 {
        self.of(element).saturating_mul(element.cost())
    }

    pub(super) fn plus(&self, more: &Self) -> Self {
        let mut sum = Self {
            bytes: self.bytes + more.bytes,
            elements: self.elements,
        };
        for (count, more) in sum.elements.iter_mut().zip(more.elements) {
            *count += more;
        }
        sum
    }

    /// # Errors
    /// [`OverBudget`]: it costs more than [`MAX_COMMAND_COST`].
    pub fn check(&self) -> Result<(), OverBudget> {
        if self.cost() <= MAX_COMMAND_COST {
            Ok(())
        } else {
            Err(self.over())
        }
    }

    /// Says what costs most.
    pub(super) fn over(&self) -> OverBudget {
        let most = Element::ALL
            .into_iter()
            .max_by_key(|element| self.cost_of(*element))
            .filter(|element| self.cost_of(*element) > self.bytes.saturating_mul(COST_OF_A_BYTE))
            .map(|element| (self.of(element), element));
        OverBudget {
            cost: self.cost(),
            bytes: self.bytes,
            most,
        }
    }
}

/// A command that costs more memory than one command may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// Upper bound of the memory, in bytes.
    pub cost: u64,
    /// Length of the command.
    pub bytes: u64,
    /// Elements that cost most; `None` if its bytes do.
    pub most: Option<(u64, Element)>,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cost, bytes) = (self.cost, self.bytes);
        write!(
            f,
            "the command needs {cost} bytes of memory on each meta node, at most \
             {MAX_COMMAND_COST} are taken: it has {bytes} bytes"
        )?;
        if let Some((count, element)) = self.most {
            write!(f, " and {count} {}", element.plural())?;
        }
        f.write_str("; send it as several smaller commands")
    }
}

impl std::error::Error for OverBudget {}

/// Counts a wire command. A payload that is not read counts as bytes.
///
/// # Errors
/// [`DecodeError`], where decoding it would give one, too. What has been counted may still be
/// refused by [`execute::decode`]. Malformed bytes in ignored fields are an error here alone: the
/// original refuses them, and members of an older version would halt.
pub fn count(command: &[u8]) -> Result<Count, DecodeError> {
    let mut count = Count::of_bytes(command.len());
    let number = execute::type_number(command)?;
    let Some(command_type) = execute::command_type(number) else {
        return Ok(count);
    };
    if let Some(message) = payload(command_type.number) {
        walk::payload(command, command_type.field, message, &mut count).map_err(|error| {
            DecodeError::Payload {
                command: command_type.name,
                error,
            }
        })?;
    }
    Ok(count)
}

/// Counts an internal command whose entry has this many bytes. Permissions on a scope cost as much
/// as a privilege.
pub fn count_internal(command: &InternalCommand, bytes: usize) -> Count {
    let (scopes, members) = match command {
        InternalCommand::AddUser(add) => (add.permissions.len(), 0),
        InternalCommand::ChangePermissions(change) => (change.permissions.len(), 0),
        InternalCommand::CreateRole(create) => (create.permissions.len(), create.users.len()),
        InternalCommand::ChangeMembers(change) => (0, change.users.len()),
        // The size of the others is bounded where they come from; their bytes are counted.
        InternalCommand::DropRole { .. }
        | InternalCommand::Found(_)
        | InternalCommand::AllocateRaftId(_)
        | InternalCommand::AddMetaNode(_)
        | InternalCommand::MoveMetaNode(_)
        | InternalCommand::RemoveMetaNode(_)
        | InternalCommand::SetLabels(_)
        | InternalCommand::RaiseFeatureLevel { .. }
        | InternalCommand::RequireSecret
        | InternalCommand::RepairTime
        | InternalCommand::SetPassive { .. }
        | InternalCommand::RemoveDataNode { .. }
        | InternalCommand::RemoveShardCopy { .. }
        | InternalCommand::SetLeaseHolder { .. }
        | InternalCommand::BeginRestore(_)
        | InternalCommand::AddRestorePart(_)
        | InternalCommand::CommitRestore(_)
        | InternalCommand::AbandonRestore { .. }
        | InternalCommand::AssignOwners => (0, 0),
    };
    let mut count = Count::of_bytes(bytes);
    count.elements[Element::Privilege as usize] = scopes as u64;
    count.elements[Element::Member as usize] = members as u64;
    count
}

/// Messages whose fields can be counted alone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    Data,
    Database,
    Policy,
}

/// Counts fields of a message of a restore.
///
/// # Errors
/// The fields are malformed, as in [`count`].
pub(super) fn count_fields(scope: Scope, fields: &[u8]) -> Result<Count, PayloadError> {
    let mut count = Count::of_bytes(fields.len());
    let message = match scope {
        Scope::Data => &messages::DATA,
        Scope::Database => &messages::DATABASE,
        Scope::Policy => &messages::POLICY,
    };
    walk::walk(fields, message, &mut count)?;
    Ok(count)
}

/// Returns whether a command is a restore, which may be proposed in parts.
pub fn is_restore(command: &[u8]) -> bool {
    execute::type_number(command).is_ok_and(|number| number == SET_DATA_TYPE as i32)
}

#[cfg(test)]
mod tests;
