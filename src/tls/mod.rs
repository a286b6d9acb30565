//! TLS for connections that this node makes: whom it trusts, and the handshake.
//!
//! Owns: the only knowledge of rustls; where the system keeps the certificates that are trusted.
//! Never: which connections need TLS, or the keys of the configuration that say so. Certificates
//! are judged by `runtime`'s clock. The cipher's own randomness comes from the system: what a
//! simulation could seed there would be no secret. Callers: `data_node`; `app` builds the
//! [`Connector`], so that what cannot work stops the start.

mod connect;
mod error;
mod roots;
mod stream;
mod verify;

pub use connect::Connector;
pub use error::{HandshakeError, TlsError};
pub use roots::Places;

/// Whose certificates are good enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Signed by one of these, for the name that was dialled, and not expired.
    Roots(Places),
    /// Anyone's: the connection is encrypted, and nobody knows towards whom.
    Anyone,
}
