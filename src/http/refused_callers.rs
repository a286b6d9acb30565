//! One log line a minute for each address whose callers are refused: a data node with a wrong
//! secret only says that its meta service answered 401.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::Denied;
use crate::runtime::net::places::AddressGroup;

const REPORT_INTERVAL: Duration = Duration::from_secs(60);
/// Maximum number of addresses that are told apart, an IPv6 network of 64 bits as one: a host has
/// that many addresses, and must not take the lines of others. Beyond it, further ones wait until
/// the line of another one is a minute old.
const MAX_ADDRESSES: usize = 256;

/// Addresses of refused callers, each with the time of its last line in the log.
#[derive(Default)]
pub(super) struct RefusedCallers(Mutex<BTreeMap<AddressGroup, Instant>>);

impl RefusedCallers {
    /// Logs a refusal, unless one of this address was logged in the last minute.
    pub(super) fn report(&self, from: IpAddr, denied: &Denied) {
        // These say nothing about the caller's credentials.
        if matches!(denied, Denied::Busy | Denied::NoUsers(_)) || !self.is_due(from, Instant::now())
        {
            return;
        }
        tracing::warn!(
            event = "auth.refused", address = %from,
            "refused a caller at {from}: {denied}; a data node there needs \
             meta-auth-enabled = true and meta-internal-shared-secret = the internal-shared-secret \
             of this node, and a right clock"
        );
    }

    fn is_due(&self, from: IpAddr, now: Instant) -> bool {
        let from = AddressGroup::from(from);
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reported.retain(|_, at| now.duration_since(*at) < REPORT_INTERVAL);
        if reported.contains_key(&from) || reported.len() >= MAX_ADDRESSES {
            return false;
        }
        reported.insert(from, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(n: usize) -> IpAddr {
        Ipv4Addr::from(n as u32).into()
    }

    #[test]
    fn each_address_has_one_line_a_minute() {
        let (callers, begun) = (RefusedCallers::default(), Instant::now());
        assert!(callers.is_due(address(1), begun));
        assert!(!callers.is_due(address(1), begun + REPORT_INTERVAL / 2));
        assert!(callers.is_due(address(2), begun + REPORT_INTERVAL / 2));
        assert!(callers.is_due(address(1), begun + REPORT_INTERVAL));
        assert!(!callers.is_due(address(2), begun + REPORT_INTERVAL));
    }

    /// An IPv6 host takes any number of addresses of its network.
    #[test]
    fn one_ipv6_network_has_one_line() {
        let (callers, begun) = (RefusedCallers::default(), Instant::now());
        let of = |network: u16, host: u16| IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, host]);
        let lines = (0..1000).filter(|host| callers.is_due(of(1, *host), begun));
        assert_eq!(lines.count(), 1);
        assert!(callers.is_due(of(2, 1), begun), "another network");
        assert!(callers.is_due(address(1), begun));
    }

    #[test]
    fn many_addresses_need_no_more_memory() {
        let (callers, begun) = (RefusedCallers::default(), Instant::now());
        let lines = (0..2 * MAX_ADDRESSES).filter(|n| callers.is_due(address(*n), begun));
        assert_eq!(lines.count(), MAX_ADDRESSES);
        assert!(callers.is_due(address(usize::MAX), begun + REPORT_INTERVAL));
        assert_eq!(
            callers.0.lock().map(|reported| reported.len()).ok(),
            Some(1)
        );
    }
}
