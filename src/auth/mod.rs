//! Who may speak: proofs between meta nodes. (Users, tokens and permissions get their place here.)
//!
//! Owns: the key made of `internal-shared-secret`, and what a proof covers. Never: HTTP types, frames,
//! or deciding what a missing proof means (`cluster` decides that).

pub mod proof;
