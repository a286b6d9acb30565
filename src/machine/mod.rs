//! The state machine: `apply(catalog, log id, stamped command) -> outcome`.
//!
//! Owns: the meaning of every command. Never: a clock, randomness, map order, configuration, or the
//! identity of the node it runs on. Called by `raft` for each committed entry, on every node, with
//! the same bytes. Invariants: those of [`crate::catalog::INVARIANTS`] hold after each command if
//! they held before it. A refused command changes only the catalog's index and stamp.

mod apply;
mod command;
mod outcome;
mod size_effect;

pub use apply::{apply, is_long};
pub use command::{
    AddMetaNode, AddRestorePart, AddUser, AllocateRaftId, BeginRestore, Change, ChangeMembers,
    ChangePermissions, Command, CreateRole, CreateUser, Found, Founder, Holder, InternalCommand,
    MoveMetaNode, NewRetentionPolicy, Removal, RemoveMetaNode, RestoreItem, RestoreRef, SetData,
    SetLabels, ShardCopy, Stamped, UpdateRetentionPolicy, WireCommand,
};
pub use outcome::{Outcome, Refused, RestoreFault};
pub use size_effect::SizeEffect;
