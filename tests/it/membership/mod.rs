//! The membership state machine (founding.md 6, 7, 9) without IO: rules by name, and seeded
//! schedules of a simulated world over an abstract Raft.

mod invariants;
mod joining;
mod raft;
mod rows;
mod schedules;
mod tasks;
mod world;
