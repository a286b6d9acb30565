//! Memory of the leader about work leases: when each was granted or renewed last.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::base::Name;

/// Renewals by the name of the lease.
pub(super) type Renewals = HashMap<Name, Renewed>;

/// The last grant or renewal of a lease by this leader.
#[derive(Clone, Copy)]
pub(super) struct Renewed {
    /// Raft term of the grant; void in any other term.
    pub(super) term: u64,
    pub(super) at: Instant,
}
