//! The state machine: `apply(catalog, log id, stamped command) -> outcome`.
//!
//! Owns: the meaning of every command. Never: a clock, randomness, map order, configuration, or
//! knowing which node it is on. Called by `raft` for each committed entry, on every node, with the
//! same bytes. Invariants: those of [`crate::catalog::INVARIANTS`] hold after each command if they
//! held before it; a refused command changes the catalog's index and stamp and nothing else.

mod apply;
mod command;
mod outcome;

pub use apply::apply;
pub use command::{
    AddMetaNode, AllocateRaftId, Command, CreateUser, Found, Founder, InternalCommand,
    MoveMetaNode, NewRetentionPolicy, Removal, RemoveMetaNode, SetData, SetLabels, ShardCopy,
    Stamped, UpdateRetentionPolicy, WireCommand,
};
pub use outcome::{Outcome, Refused, RestoreFault};
