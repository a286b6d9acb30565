//! Places for connections: a maximum, shares by address, places kept for some callers, and which
//! connection makes room for a new one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::runtime::lock;

/// Addresses that one host has: an IPv4 address, or an IPv6 network of 64 bits, from which a host
/// can take any number of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressGroup(IpAddr);

impl From<IpAddr> for AddressGroup {
    fn from(ip: IpAddr) -> Self {
        // A socket that listens for IPv4 and IPv6 shows an IPv4 address in a second form.
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(ip.into()),
            IpAddr::V6(ip) => {
                let network = u128::from(ip) >> 64 << 64;
                Self(Ipv6Addr::from(network).into())
            }
        }
    }
}

/// Kinds of callers, by their address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// This host: probes.
    ThisHost,
    /// A node of the cluster.
    ClusterNode,
    Stranger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceLimits {
    pub max: usize,
    pub per_address: usize,
    /// Places that only this host may use.
    pub kept_for_this_host: usize,
    /// Places that only nodes of the cluster may use.
    pub kept_for_cluster_nodes: usize,
}

/// A connection that holds a place.
pub trait Placed: Send + Sync + 'static {
    /// Time since when the connection does nothing that would be lost with it. `None`: it must not
    /// make room now.
    fn idle_since(&self) -> Option<Instant>;
}

/// All places of a listener. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Mutex<Taken>>);

struct Taken {
    limits: PlaceLimits,
    next: u64,
    by_address: BTreeMap<AddressGroup, BTreeMap<u64, Entry>>,
    this_host: usize,
    cluster_nodes: usize,
    strangers: usize,
}

struct Entry {
    kind: CallerKind,
    connection: Arc<dyn Placed>,
    evicted: Arc<Notify>,
}

/// A place. Dropping it frees it.
pub struct Place {
    places: Places,
    from: AddressGroup,
    id: u64,
    evicted: Arc<Notify>,
}

impl Places {
    pub fn new(limits: PlaceLimits) -> Self {
        Self(Arc::new(Mutex::new(Taken {
            limits,
            next: 0,
            by_address: BTreeMap::new(),
            this_host: 0,
            cluster_nodes: 0,
            strangers: 0,
        })))
    }

    /// Returns a place for a new connection. If there is none, the connection that is idle for
    /// longest makes room: one of the same address if that has its whole share, otherwise one of
    /// the address with the most connections. `None` if no connection is idle.
    pub fn take(&self, ip: IpAddr, kind: CallerKind, connection: Arc<dyn Placed>) -> Option<Place> {
        let from = AddressGroup::from(ip);
        let mut taken = self.taken();
        let held = taken.by_address.get(&from).map_or(0, BTreeMap::len);
        if held >= taken.limits.per_address {
            let id = taken.longest_idle(from, |_| true)?;
            taken.evict(from, id);
        }
        if !taken.has_room(kind) {
            let (from, id) = taken.to_make_room(kind)?;
            taken.evict(from, id);
        }
        let evicted = Arc::new(Notify::new());
        let entry = Entry {
            kind,
            connection,
            evicted: evicted.clone(),
        };
        let id = taken.insert(from, entry);
        Some(Place {
            places: self.clone(),
            from,
            id,
            evicted,
        })
    }

    /// Ends one idle connection, for instance because the process has no more file descriptors.
    pub fn evict_one(&self) {
        let mut taken = self.taken();
        if let Some((from, id)) = taken.to_make_room(CallerKind::Stranger) {
            taken.evict(from, id);
        }
    }

    /// Locks the places. Held for a few instructions, or for one look at each place when there is
    /// no free one; never across an await.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        lock(&self.0)
    }
}

impl Place {
    /// Resolves when the connection has to make room: its place is another's already.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        drop(taken.remove(self.from, self.id));
    }
}

impl Taken {
    fn count(&mut self, kind: CallerKind) -> &mut usize {
        match kind {
            CallerKind::ThisHost => &mut self.this_host,
            CallerKind::ClusterNode => &mut self.cluster_nodes,
            CallerKind::Stranger => &mut self.strangers,
        }
    }

    /// Returns whether a caller of this kind may take one more: kept places count as taken.
    fn has_room(&self, kind: CallerKind) -> bool {
        let more = |of: CallerKind| usize::from(of == kind);
        let limits = &self.limits;
        let this_host = self.this_host + more(CallerKind::ThisHost);
        let cluster_nodes = self.cluster_nodes + more(CallerKind::ClusterNode);
        this_host.max(limits.kept_for_this_host)
            + cluster_nodes.max(limits.kept_for_cluster_nodes)
            + self.strangers
            + more(CallerKind::Stranger)
            <= limits.max
    }

    /// Returns the connection that makes room for one of this kind. Callers within the places kept
    /// for them make room only for their own kind: for others it would free nothing.
    fn to_make_room(&self, kind: CallerKind) -> Option<(AddressGroup, u64)> {
        let frees = |entry: &Entry| {
            entry.kind == kind
                || match entry.kind {
                    CallerKind::ThisHost => self.this_host > self.limits.kept_for_this_host,
                    CallerKind::ClusterNode => {
                        self.cluster_nodes > self.limits.kept_for_cluster_nodes
                    }
                    CallerKind::Stranger => true,
                }
        };
        let mut addresses: Vec<_> = self.by_address.iter().collect();
        addresses.sort_by_key(|(_, entries)| std::cmp::Reverse(entries.len()));
        addresses.into_iter().find_map(|(from, _)| {
            let id = self.longest_idle(*from, frees)?;
            Some((*from, id))
        })
    }

    fn longest_idle(&self, from: AddressGroup, may: impl Fn(&Entry) -> bool) -> Option<u64> {
        let entries = self.by_address.get(&from)?.iter();
        entries
            .filter(|(_, entry)| may(entry))
            .filter_map(|(id, entry)| Some((entry.connection.idle_since()?, *id)))
            .min()
            .map(|(_, id)| id)
    }

    fn evict(&mut self, from: AddressGroup, id: u64) {
        if let Some(entry) = self.remove(from, id) {
            entry.evicted.notify_one();
        }
    }

    fn insert(&mut self, from: AddressGroup, entry: Entry) -> u64 {
        let id = self.next;
        self.next += 1;
        *self.count(entry.kind) += 1;
        self.by_address.entry(from).or_default().insert(id, entry);
        id
    }

    fn remove(&mut self, from: AddressGroup, id: u64) -> Option<Entry> {
        let entries = self.by_address.get_mut(&from)?;
        let entry = entries.remove(&id)?;
        if entries.is_empty() {
            self.by_address.remove(&from);
        }
        *self.count(entry.kind) -= 1;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Connection(Option<Instant>);

    impl Placed for Connection {
        fn idle_since(&self) -> Option<Instant> {
            self.0
        }
    }

    fn idle(seconds: u64) -> Arc<dyn Placed> {
        Arc::new(Connection(Some(
            Instant::now() + Duration::from_secs(1000 - seconds),
        )))
    }

    fn busy() -> Arc<dyn Placed> {
        Arc::new(Connection(None))
    }

    fn places() -> Places {
        Places::new(PlaceLimits {
            max: 10,
            per_address: 4,
            kept_for_this_host: 1,
            kept_for_cluster_nodes: 2,
        })
    }

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn is_evicted(place: &Place) -> bool {
        use futures_util::FutureExt;
        place.evicted().now_or_never().is_some()
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let group = |text: &str| AddressGroup::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(group("2001:db8::1"), group("2001:db8::ffff:2"));
        assert_ne!(group("2001:db8::1"), group("2001:db8:0:1::1"));
        assert_eq!(group("::ffff:10.0.0.1"), group("10.0.0.1"));
        assert_ne!(group("10.0.0.1"), group("10.0.0.2"));
    }

    #[test]
    fn strangers_leave_the_kept_places_free() {
        let places = places();
        let take = |ip, kind| places.take(ip, kind, busy());
        let strangers: Vec<_> = (0..20)
            .filter_map(|last| take(ip(last), CallerKind::Stranger))
            .collect();
        assert_eq!(strangers.len(), 7);
        let _host = take(ip(100), CallerKind::ThisHost).expect("a kept place");
        assert!(take(ip(100), CallerKind::ThisHost).is_none());
        let _nodes = [101, 102].map(|last| {
            take(ip(last), CallerKind::ClusterNode).expect("a kept place");
        });
    }

    #[test]
    fn an_address_with_its_whole_share_makes_room_for_itself() {
        let places = places();
        let take = |seconds| places.take(ip(1), CallerKind::Stranger, idle(seconds));
        let held: Vec<_> = [5, 9, 2, 3].into_iter().filter_map(take).collect();
        let other = places.take(ip(2), CallerKind::Stranger, idle(100));
        let _next = take(0).expect("one made room");
        let evicted: Vec<_> = held.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, true, false, false]);
        assert!(!is_evicted(&other.expect("a place")));
        drop(held);
        let _busy: Vec<_> = (0..3)
            .filter_map(|_| places.take(ip(1), CallerKind::Stranger, busy()))
            .collect();
        // The fourth is idle and makes room; after it nothing can.
        assert!(places.take(ip(1), CallerKind::Stranger, busy()).is_some());
    }

    #[test]
    fn the_address_with_the_most_connections_makes_room_first() {
        let places = places();
        let take = |last, seconds| places.take(ip(last), CallerKind::Stranger, idle(seconds));
        let honest = take(1, 500).expect("a place");
        let flood: Vec<_> = (0..4).filter_map(|n| take(2, n)).collect();
        let more: Vec<_> = (0..2).filter_map(|n| take(3, n)).collect();
        let _new = take(4, 0).expect("one made room");
        assert!(!is_evicted(&honest));
        assert!(is_evicted(&flood[3]), "the longest idle of the flood");
        assert!(!more.iter().any(is_evicted));
    }

    #[test]
    fn a_node_of_the_cluster_does_not_make_room_for_strangers_within_its_kept_places() {
        let places = places();
        let node = places.take(ip(100), CallerKind::ClusterNode, idle(900));
        let _strangers: Vec<_> = (0..7)
            .filter_map(|last| places.take(ip(last), CallerKind::Stranger, idle(1)))
            .collect();
        let _new = places
            .take(ip(50), CallerKind::Stranger, idle(0))
            .expect("another stranger made room");
        assert!(!is_evicted(&node.expect("a place")));
    }

    #[test]
    fn an_evicted_place_is_freed_once() {
        let places = places();
        let first: Vec<_> = (0..4)
            .filter_map(|n| places.take(ip(1), CallerKind::Stranger, idle(n)))
            .collect();
        let second: Vec<_> = (0..4)
            .filter_map(|n| places.take(ip(1), CallerKind::Stranger, idle(n)))
            .collect();
        drop(first);
        drop(second);
        assert_eq!(places.taken().strangers, 0);
        assert!(places.taken().by_address.is_empty());
    }
}
