//! Bounds of work leases.

use super::MAX_NAME_LEN;
use crate::base::Name;

/// Maximum number of work leases that are remembered: any caller can ask for any name, and a name
/// is never given back.
pub const MAX_LEASES: usize = 1000;

/// Whether this is a name of 1 to 255 bytes, the same rule as for names of databases.
pub fn is_lease_name(name: &Name) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len())
}
