//! Holders of work leases (wire.md 9). Only a change of holder is replicated. The leader alone
//! knows when a lease ends, so there is no time in here.

use crate::base::{Name, NodeId};
use crate::catalog::{Catalog, MAX_LEASES, is_lease_name};
use crate::machine::Refused;

pub(super) fn set_holder(
    catalog: &mut Catalog,
    lease: &Name,
    holder: NodeId,
) -> Result<(), Refused> {
    if lease.is_empty() {
        return Err(Refused::LeaseNameRequired);
    }
    if !is_lease_name(lease) {
        return Err(Refused::NameTooLong);
    }
    if catalog.leases.len() >= MAX_LEASES && !catalog.leases.contains_key(lease) {
        return Err(Refused::TooManyLeases);
    }
    catalog.leases.insert(lease.clone(), holder);
    Ok(())
}
