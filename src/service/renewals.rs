//! Memory of the leader about work leases: when each was granted or renewed last.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::base::Name;

/// By the name of the lease.
pub(super) type Renewals = HashMap<Name, Renewed>;

/// When a lease was last granted or renewed here.
#[derive(Clone, Copy)]
pub(super) struct Renewed {
    /// In another term this is void.
    pub(super) term: u64,
    pub(super) at: Instant,
}
