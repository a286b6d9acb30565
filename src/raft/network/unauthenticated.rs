//! Limits on unauthenticated connections.

use std::net::IpAddr;

use tokio::time::Instant;

use crate::runtime::net::places::{CallerKind, Place, PlaceLimits, Placed, Places};

/// Maximum number of unauthenticated connections. A member needs three at a time, for
/// milliseconds. A connection that comes when all places are taken replaces the oldest one, first
/// of the address that has most.
const MAX_UNAUTHENTICATED: usize = 64;

const LIMITS: PlaceLimits = PlaceLimits {
    max: MAX_UNAUTHENTICATED,
    // Enough for all members behind one address and their earlier attempts; and one address cannot
    // take more than half of all.
    per_address: MAX_UNAUTHENTICATED / 2,
    kept_for_this_host: 0,
    kept_for_cluster_nodes: MAX_UNAUTHENTICATED / 4,
};

/// Unauthenticated connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct UnauthenticatedConnections(Places);

impl Default for UnauthenticatedConnections {
    fn default() -> Self {
        Self(Places::new(LIMITS))
    }
}

impl UnauthenticatedConnections {
    /// Returns a permit for the time of the handshake, or `None` if there are too many connections.
    /// The addresses of members have permits that nobody else takes.
    pub(super) fn acquire(&self, from: IpAddr, is_member: bool) -> Option<Place> {
        let kind = if is_member {
            CallerKind::ClusterNode
        } else {
            CallerKind::Stranger
        };
        let handshake = Handshake(Instant::now());
        self.0.take(from, kind, std::sync::Arc::new(handshake))
    }
}

/// A handshake that began at this time. It may be broken off at any time: the dialler tries again.
struct Handshake(Instant);

impl Placed for Handshake {
    fn idle_since(&self) -> Option<Instant> {
        Some(self.0)
    }
}
