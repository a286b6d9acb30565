//! Facts about a request that are not in its head.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hyper::header::HeaderValue;
use hyper::http::Extensions;
use tokio::time::Instant;

use super::connection_state::ConnectionState;
use crate::auth::fresh::PeerVerifier;

/// Part of the request's extensions.
#[derive(Clone)]
pub(super) struct RequestContext {
    pub(super) connection: Arc<ConnectionState>,
    /// Id of the request.
    pub(super) id: HeaderValue,
    /// Time by which the caller must have its answer, if it said one.
    pub(super) answer_deadline: Option<Instant>,
    /// Checks and makes proofs of meta nodes; `None` without `internal-shared-secret`.
    pub(super) peers: Option<Arc<PeerVerifier>>,
}

/// Returns the IP address of the connection's peer; 0.0.0.0 for a request without a connection.
pub(super) fn peer_ip(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<RequestContext>()
        .map_or(Ipv4Addr::UNSPECIFIED.into(), |context| {
            context.connection.peer
        })
}
