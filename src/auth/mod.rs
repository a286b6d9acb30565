//! Who may speak: callers of the HTTP API by tokens and passwords, other meta nodes by proofs.
//!
//! Owns: secrets and what is made of them (proofs, tokens), what callers show of themselves,
//! checking it, and what we show elsewhere. Never: HTTP types, frames, where users are kept, or
//! deciding what a missing proof means (`cluster` decides that). Invariants: nothing here prints a
//! secret, a password or a hash; what a secret proves is compared in constant time; at most one
//! password is hashed at a time. Called by `http` (callers), `client` and `ctl` (our own requests),
//! `cluster` and `raft` (proofs).

mod authenticator;
mod credentials;
mod login;
mod password;
pub mod proof;
mod secret;
pub mod token;
mod users;

pub use authenticator::{AuthConfig, Authenticator, Caller, Denied, Method, UnknownMethod};
pub use credentials::Credentials;
pub use login::Login;
pub use secret::Secret;
pub use users::{User, Users};
