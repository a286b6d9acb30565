//! Subscriptions (wire.md 3.4, types 21 and 22).

use super::destination::is_destination;
use super::retention_policy::exact;
use crate::base::Name;
use crate::catalog::{Catalog, RetentionPolicy, Subscription};
use crate::machine::Refused;

/// Creates a subscription. An identical one is an error, too: a client's test relies on it.
pub(super) fn create(
    catalog: &mut Catalog,
    database: &Name,
    policy: &Name,
    subscription: &Subscription,
) -> Result<(), Refused> {
    if let Some(bad) = subscription
        .destinations
        .iter()
        .find(|url| !is_destination(url.as_bytes()))
    {
        return Err(Refused::InvalidSubscriptionUrl(bad.clone()));
    }
    let found = exact(catalog, database, policy)?;
    if found
        .subscriptions
        .iter()
        .any(|there| there.name == subscription.name)
    {
        return Err(Refused::SubscriptionExists);
    }
    update(catalog, database, policy, |policy| {
        policy.subscriptions.push(subscription.clone())
    });
    Ok(())
}

pub(super) fn drop(
    catalog: &mut Catalog,
    database: &Name,
    policy: &Name,
    name: &Name,
) -> Result<(), Refused> {
    let found = exact(catalog, database, policy)?;
    if !found.subscriptions.iter().any(|there| there.name == *name) {
        return Err(Refused::SubscriptionNotFound);
    }
    update(catalog, database, policy, |policy| {
        policy.subscriptions.retain(|there| there.name != *name)
    });
    Ok(())
}

fn update(
    catalog: &mut Catalog,
    database: &Name,
    policy: &Name,
    change: impl FnOnce(&mut RetentionPolicy),
) {
    catalog.databases.update(database, |database| {
        if let Some(found) = database
            .retention_policies
            .iter_mut()
            .find(|found| found.name == *policy)
        {
            change(found);
        }
    });
}
