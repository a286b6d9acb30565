//! What may be remembered of work leases.

use super::MAX_NAME_LEN;
use crate::base::Name;

/// The most work leases that are remembered: whoever may call can ask for any name, and none is
/// ever given back.
pub const MAX_LEASES: usize = 1000;

/// Of 1 to 255 bytes, as the names of databases.
pub fn is_lease_name(name: &Name) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len())
}
