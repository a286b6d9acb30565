//! TLS for connections that this node makes: trusted certificates, and the handshake.
//!
//! Owns: everything that concerns rustls, and the places of the system's trusted certificates.
//! Never: which connections need TLS, or the configuration keys for it. The time for certificates
//! is that of `runtime`'s clock. The cipher's own randomness comes from the system: randomness that
//! a simulation could seed would not be secret. Callers: `data_node`; `app` builds the
//! [`Connector`], so that a configuration that cannot work ends the start.

mod connect;
mod error;
mod roots;
mod stream;
mod verify;

pub use connect::Connector;
pub use error::{TlsError, TlsHandshakeError};
pub use roots::Places;

/// Certificates that are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Certificates signed by one of these, for the name that was dialled, and not expired.
    Roots(Places),
    /// Any certificate: the connection is encrypted, but the peer is not known.
    Anyone,
}
