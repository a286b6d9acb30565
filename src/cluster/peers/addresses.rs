//! Addresses of the cluster's nodes, for the places that connections have on 8089 and 8091.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, timeout};

use crate::base::Address;
use crate::base::endpoint::{DATA_RPC_PORT, META_HTTP_PORT};
use crate::cluster::node::handle::NodeHandle;
use crate::runtime::lock;

/// Interval of the look-ups. Addresses of containers change, and a node whose address is not known
/// yet only shares the places of strangers.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(30);
/// Delay of the look-ups after a change of the cluster's view, so that many changes cost one.
const CHANGE_DELAY: Duration = Duration::from_secs(1);
/// Maximum number of names that are looked up at the same time.
const MAX_LOOKUPS: usize = 8;
/// Timeout for one name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for which an address is known from which a member proved itself.
const PROVEN_LIFETIME: Duration = Duration::from_secs(600);
/// Age from which such an address is noted again, so that each handshake costs little.
const PROVEN_RENEWAL_INTERVAL: Duration = Duration::from_secs(60);
/// Maximum number of such addresses, more than members have.
const MAX_PROVEN_ADDRESSES: usize = 64;

/// Addresses at which nodes of the cluster were found lately. They give a connection a place and
/// nothing else: an address proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownAddresses {
    meta_nodes: BTreeSet<IpAddr>,
    data_nodes: BTreeSet<IpAddr>,
    /// Addresses from which members proved the secret, with the time. A member that has moved, or
    /// that is behind a gateway, comes from none that its name leads to.
    proven: BTreeMap<IpAddr, Instant>,
}

impl KnownAddresses {
    pub fn has_meta_node(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.meta_nodes.contains(&ip) || self.proven.contains_key(&ip)
    }

    pub fn has_node(&self, ip: IpAddr) -> bool {
        self.has_meta_node(ip) || self.data_nodes.contains(&ip.to_canonical())
    }
}

/// The addresses of now. Held for a few instructions, never across an await.
#[derive(Default)]
pub(in crate::cluster) struct AddressBook(Mutex<Arc<KnownAddresses>>);

impl AddressBook {
    pub(in crate::cluster) fn known(&self) -> Arc<KnownAddresses> {
        lock(&self.0).clone()
    }

    /// Notes that a member proved the secret from this address.
    pub(in crate::cluster) fn note_proven(&self, ip: IpAddr) {
        let (ip, now) = (ip.to_canonical(), Instant::now());
        let mut known = lock(&self.0);
        let noted = known.proven.get(&ip);
        if noted.is_some_and(|at| now.duration_since(*at) < PROVEN_RENEWAL_INTERVAL) {
            return;
        }
        let proven = &mut Arc::make_mut(&mut known).proven;
        proven.insert(ip, now);
        if proven.len() > MAX_PROVEN_ADDRESSES {
            let oldest = proven.iter().min_by_key(|(_, at)| **at).map(|(ip, _)| *ip);
            oldest.map(|ip| proven.remove(&ip));
        }
    }

    fn set(&self, hosts: &Hosts, found: &BTreeMap<String, Vec<IpAddr>>) {
        let now = Instant::now();
        let mut known = lock(&self.0);
        let mut proven = known.proven.clone();
        proven.retain(|_, at| now.duration_since(*at) < PROVEN_LIFETIME);
        *known = Arc::new(KnownAddresses {
            meta_nodes: addresses(&hosts.meta_nodes, found),
            data_nodes: addresses(&hosts.data_nodes, found),
            proven,
        });
    }
}

/// Looks the names up again and again, as long as the process runs.
pub(in crate::cluster) async fn run(node: NodeHandle) {
    let mut changed = node.state.watch_view();
    let mut found = BTreeMap::new();
    loop {
        let hosts = Hosts::of(&node);
        look_up(&node, &hosts, &mut found).await;
        changed.mark_unchanged();
        let change = async {
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(CHANGE_DELAY).await;
        };
        // Ends with the interval or with a change.
        drop(timeout(LOOKUP_INTERVAL, change).await);
    }
}

/// Host names of the nodes, from the list of peers and from the catalog.
struct Hosts {
    meta_nodes: BTreeSet<String>,
    data_nodes: BTreeSet<String>,
}

impl Hosts {
    fn of(node: &NodeHandle) -> Self {
        let host = |address: &Address| address.host().to_owned();
        let mut hosts = Self {
            meta_nodes: node.context.config.peers.iter().map(host).collect(),
            data_nodes: BTreeSet::new(),
        };
        let Some(raft) = node.state.raft() else {
            return hosts;
        };
        let applied = raft.applied().borrow().clone();
        for meta_node in applied.catalog.meta_nodes.values() {
            hosts.meta_nodes.insert(host(&meta_node.http));
            hosts.meta_nodes.insert(host(&meta_node.raft));
        }
        for data_node in applied.catalog.data_nodes.values() {
            let addresses = [
                Address::parse(&data_node.tcp.to_string(), DATA_RPC_PORT),
                Address::parse(&data_node.http.to_string(), META_HTTP_PORT),
            ];
            let known = addresses.into_iter().flatten();
            hosts.data_nodes.extend(known.map(|address| host(&address)));
        }
        hosts
    }
}

/// Looks up all hosts, meta nodes first, a few at the same time: names that no server answers for
/// delay the others by little. Each address is known as soon as it is found. A host that cannot be
/// found now keeps its former addresses.
async fn look_up(node: &NodeHandle, hosts: &Hosts, found: &mut BTreeMap<String, Vec<IpAddr>>) {
    found.retain(|name, _| hosts.meta_nodes.contains(name) || hosts.data_nodes.contains(name));
    node.addresses.set(hosts, found);
    let others = hosts.data_nodes.difference(&hosts.meta_nodes);
    let names: Vec<String> = hosts.meta_nodes.iter().chain(others).cloned().collect();
    let lookups = names.into_iter().map(|name| {
        let net = node.context.env.net.clone();
        async move {
            let found = timeout(LOOKUP_TIMEOUT, net.resolve(&name, META_HTTP_PORT)).await;
            (name, found)
        }
    });
    let mut answers = futures_util::stream::iter(lookups).buffer_unordered(MAX_LOOKUPS);
    while let Some((name, answer)) = answers.next().await {
        let Ok(Ok(all)) = answer else { continue };
        let ips = all.into_iter().map(|at| at.ip().to_canonical()).collect();
        found.insert(name, ips);
        node.addresses.set(hosts, found);
    }
}

fn addresses(hosts: &BTreeSet<String>, found: &BTreeMap<String, Vec<IpAddr>>) -> BTreeSet<IpAddr> {
    let of_hosts = hosts.iter().filter_map(|host| found.get(host));
    of_hosts.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_hosts() -> Hosts {
        Hosts {
            meta_nodes: BTreeSet::new(),
            data_nodes: BTreeSet::new(),
        }
    }

    /// Its name leads elsewhere, or to an address that it had before.
    #[tokio::test(start_paused = true)]
    async fn a_member_that_proved_itself_keeps_its_places_at_a_new_address() {
        let book = AddressBook::default();
        let (new, stranger) = (IpAddr::from([10, 0, 0, 7]), IpAddr::from([10, 0, 0, 8]));
        assert!(!book.known().has_meta_node(new));
        book.note_proven(new);
        book.set(&no_hosts(), &BTreeMap::new());
        assert!(book.known().has_meta_node(new) && book.known().has_node(new));
        assert!(!book.known().has_node(stranger));
        tokio::time::advance(PROVEN_LIFETIME).await;
        book.set(&no_hosts(), &BTreeMap::new());
        assert!(!book.known().has_meta_node(new), "for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn proven_addresses_are_bounded_and_the_newest_stay() {
        let book = AddressBook::default();
        for n in 0..200 {
            book.note_proven(IpAddr::from([10, 0, 0, n]));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(book.known().proven.len(), MAX_PROVEN_ADDRESSES);
        assert!(book.known().has_meta_node(IpAddr::from([10, 0, 0, 199])));
    }
}
