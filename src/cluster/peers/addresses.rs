//! Addresses of the cluster's nodes, for the places that connections have on 8089 and 8091.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

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

/// Addresses at which nodes of the cluster were found lately. They give a connection a place and
/// nothing else: an address proves nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KnownAddresses {
    meta_nodes: BTreeSet<IpAddr>,
    data_nodes: BTreeSet<IpAddr>,
}

impl KnownAddresses {
    pub fn has_meta_node(&self, ip: IpAddr) -> bool {
        self.meta_nodes.contains(&ip.to_canonical())
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

    fn set(&self, hosts: &Hosts, found: &BTreeMap<String, Vec<IpAddr>>) {
        let known = KnownAddresses {
            meta_nodes: addresses(&hosts.meta_nodes, found),
            data_nodes: addresses(&hosts.data_nodes, found),
        };
        *lock(&self.0) = Arc::new(known);
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
