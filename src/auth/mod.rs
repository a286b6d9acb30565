//! Authentication: callers of the HTTP API by tokens and passwords, other meta nodes by proofs.
//!
//! Owns: secrets and what is derived from them (proofs, tokens), which meta nodes may speak,
//! parsing and checking callers' credentials, and the credentials of our own requests. Never: HTTP
//! types, frames, where users are kept, or what the cluster says (`cluster` knows that).
//! Invariants: nothing here prints a secret, a password or a hash; signatures and proofs are
//! compared in constant time; at most one password is hashed at a time. Called by `http` (callers),
//! `client` and `ctl` (our own requests), `cluster` and `raft` (proofs).

mod authenticator;
mod credentials;
pub mod fresh;
mod login;
mod password;
mod password_queue;
mod peer_keys;
mod peer_policy;
pub mod proof;
mod secret;
pub mod token;
mod users;

pub use authenticator::{AuthConfig, Authenticator, Caller, Denied, Method, UnknownMethod};
pub use credentials::Credentials;
pub use login::Login;
pub use password::{MAX_PASSWORD_BYTES, NotHashed, is_hash};
pub use peer_keys::PeerKeys;
pub use peer_policy::{PeerPolicy, PeerPolicyFacts};
pub use secret::{MIN_SECRET_BYTES, Secret};
pub use users::{User, Users};
