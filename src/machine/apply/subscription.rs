//! Subscriptions (wire.md 3.4, types 21 and 22).

use super::retention_policy::exact;
use crate::base::Name;
use crate::catalog::{Catalog, RetentionPolicy, Subscription};
use crate::machine::Refused;

/// An identical one is an error too: a client's test relies on it.
pub(super) fn create(
    catalog: &mut Catalog,
    database: &Name,
    policy: &Name,
    subscription: &Subscription,
) -> Result<(), Refused> {
    if let Some(bad) = subscription.destinations.iter().find(|url| !is_destination(url.as_bytes())) {
        return Err(Refused::InvalidSubscriptionUrl(bad.clone()));
    }
    let found = exact(catalog, database, policy)?;
    if found.subscriptions.iter().any(|there| there.name == subscription.name) {
        return Err(Refused::SubscriptionExists);
    }
    update(catalog, database, policy, |policy| policy.subscriptions.push(subscription.clone()));
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
    update(catalog, database, policy, |policy| policy.subscriptions.retain(|there| there.name != *name));
    Ok(())
}

fn update(catalog: &mut Catalog, database: &Name, policy: &Name, change: impl FnOnce(&mut RetentionPolicy)) {
    catalog.databases.update(database, |database| {
        if let Some(found) = database.retention_policies.iter_mut().find(|found| found.name == *policy) {
            change(found);
        }
    });
}

/// `udp`, `http` or `https`, and a host, which may be empty, with a port, which may not.
fn is_destination(url: &[u8]) -> bool {
    let Ok(url) = std::str::from_utf8(url) else { return false };
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let known = ["udp", "http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host_port)| host_port);
    let Some((host, port)) = host_port.rsplit_once(':') else { return false };
    let is_port = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    known && is_port && is_host(host)
}

/// A colon stands in brackets only.
fn is_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let forbidden: &[char] = if bare.is_some() { &['[', ']'] } else { &['[', ']', ':'] };
    !bare.unwrap_or(host).contains(|c: char| forbidden.contains(&c) || c.is_ascii_control() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_have_a_known_scheme_and_a_port() {
        for url in ["udp://h:9", "HTTP://h:9/write?db=x", "https://u:p@h:443", "http://:9", "udp://[::1]:9"] {
            assert!(is_destination(url.as_bytes()), "{url}");
        }
        for url in [
            "",
            "h:9",
            "ftp://h:9",
            "udp://h",
            "udp://h:",
            "udp://h:x",
            "udp://::1:9",
            "udp:h:9",
            "udp://a b:9",
        ] {
            assert!(!is_destination(url.as_bytes()), "{url}");
        }
        assert!(!is_destination(b"udp://\xff:9"));
    }
}
