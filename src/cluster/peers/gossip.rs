//! Announcements (wire.md 8): addresses and versions of other nodes, in memory only, for
//! `/show-cluster`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use crate::base::endpoint::HTTP_SCHEME;
use crate::base::{Address, UnixNanos};
use crate::cluster::node::handle::NodeHandle;
use crate::raft::Raft;
use crate::runtime::lock;
use crate::wire::api::{Announcement, AnnouncementContext};
use crate::wire::identity::Identity;

/// Go's zero time. A node's announcement of itself has no time: the receiver's clock counts.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// Maximum number of nodes that are kept, more than any cluster has. Anyone may send announcements.
const MAX_KNOWN_NODES: usize = 4096;
/// Maximum size of one announcement: names, addresses and a version. Together with the number of
/// nodes it bounds the memory that unauthenticated callers can make this node use.
const MAX_ENTRY_BYTES: usize = 2048;

/// Announcements of other nodes, by their `tcpAddr`.
pub(in crate::cluster) struct Gossip {
    node: NodeHandle,
    known: Mutex<BTreeMap<String, (UnixNanos, Announcement)>>,
}

impl Gossip {
    pub(in crate::cluster) fn new(node: NodeHandle) -> Self {
        Self {
            node,
            known: Mutex::default(),
        }
    }

    /// Takes an announcement and those that it passes on. The announcement of the sender gets the
    /// time of this node's clock. One that is passed on counts only if it is newer than the known
    /// one of the same node. Its time is cut to now: a time in the future would never expire.
    pub(in crate::cluster) fn take(&self, announcement: &Announcement) {
        let now = self.node.context.env.clock.now();
        let view = self.node.state.view();
        let own = view.raft.as_ref().map(Address::to_string);
        let passed_on = announcement
            .context
            .iter()
            .flat_map(|context| context.gossip.iter());
        let passed_on = passed_on.filter_map(|(key, entry)| Some((key, entry.as_ref()?)));
        let mut known = lock(&self.known);
        let mut put = |key: &str, at: UnixNanos, entry: &Announcement| {
            let is_newer = known.get(key).is_none_or(|(before, _)| *before < at);
            let fits = known.len() < MAX_KNOWN_NODES || known.contains_key(key);
            let fits = fits && key.len() + bytes(entry) <= MAX_ENTRY_BYTES;
            if !key.is_empty() && own.as_deref() != Some(key) && is_newer && fits {
                known.insert(key.to_owned(), (at, without_context(entry, at)));
            }
        };
        put(&announcement.tcp_addr, now, announcement);
        for (key, entry) in passed_on {
            if let Some(at) = parse_rfc3339(&entry.time) {
                put(key, at.min(now), entry);
            }
        }
    }

    /// Takes the identity of a polled member as its announcement.
    pub(in crate::cluster) fn polled(&self, theirs: &Identity) {
        self.take(&Announcement {
            tcp_addr: theirs.raft.to_string(),
            http_addr: theirs.http.to_string(),
            http_scheme: HTTP_SCHEME.to_owned(),
            time: ZERO_TIME.to_owned(),
            node_type: "meta".to_owned(),
            version: theirs.version.clone(),
            ..Announcement::default()
        });
    }

    /// Returns all announcements in the order of `tcpAddr`.
    pub(in crate::cluster) fn all(&self) -> Vec<Announcement> {
        self.expire();
        lock(&self.known)
            .values()
            .map(|(_, announcement)| announcement.clone())
            .collect()
    }

    fn expire(&self) {
        let context = &self.node.context;
        let lifetime =
            i64::try_from(context.config.announcement_expiration.as_nanos()).unwrap_or(i64::MAX);
        let oldest = context.env.clock.now().0.saturating_sub(lifetime);
        lock(&self.known).retain(|_, (at, _)| at.0 >= oldest);
    }

    fn ours(&self) -> Option<Announcement> {
        let view = self.node.state.view();
        let gossip: BTreeMap<_, _> = self
            .all()
            .into_iter()
            .map(|entry| (entry.tcp_addr.clone(), Some(entry)))
            .collect();
        Some(Announcement {
            tcp_addr: view.raft.as_ref()?.to_string(),
            http_addr: view.http.as_ref()?.to_string(),
            http_scheme: HTTP_SCHEME.to_owned(),
            time: ZERO_TIME.to_owned(),
            node_type: "meta".to_owned(),
            status: String::new(),
            context: (!gossip.is_empty()).then_some(AnnouncementContext { gossip }),
            version: self.node.context.config.version.clone(),
        })
    }
}

/// Announces this member to one other at a time, in random order, until one takes it; again every
/// `gossip-frequency`. Ends with the Raft node.
pub(in crate::cluster) async fn announce_to_others(gossip: Arc<Gossip>, raft: Raft) {
    let node = gossip.node.clone();
    let context = &node.context;
    let stop = context.env.tasks.clone();
    let mut raft_changed = raft.changed();
    loop {
        let mut others = others(&node, &raft);
        while let (Some(ours), false) = (gossip.ours(), others.is_empty()) {
            let chosen = others.swap_remove(context.env.rng.u64() as usize % others.len());
            let announce = context.exchange.announce(&chosen, ours);
            let sent = tokio::time::timeout(ANNOUNCE_TIMEOUT, announce).await;
            if matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
        let pause = tokio::time::sleep(context.config.gossip_frequency);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                biased;
                () = stop.stopped() => return,
                changed = raft_changed.changed() => if changed.is_err() { return },
                () = &mut pause => break,
            }
        }
    }
}

/// Timeout for one announcement: a slow node must not delay those to other nodes.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(2);

fn others(node: &NodeHandle, raft: &Raft) -> Vec<Address> {
    let own = node.state.view().http.clone();
    let applied = raft.applied().borrow().clone();
    let addresses = applied
        .catalog
        .meta_nodes
        .values()
        .map(|node| node.http.clone());
    addresses
        .filter(|address| Some(address) != own.as_ref())
        .collect()
}

/// Copies an announcement without those that it passes on: there may be thousands.
fn without_context(entry: &Announcement, at: UnixNanos) -> Announcement {
    Announcement {
        tcp_addr: entry.tcp_addr.clone(),
        http_addr: entry.http_addr.clone(),
        http_scheme: entry.http_scheme.clone(),
        time: rfc3339(at),
        node_type: entry.node_type.clone(),
        status: entry.status.clone(),
        context: None,
        version: entry.version.clone(),
    }
}

fn bytes(entry: &Announcement) -> usize {
    let Announcement {
        tcp_addr,
        http_addr,
        http_scheme,
        node_type,
        status,
        version,
        ..
    } = entry;
    [tcp_addr, http_addr, http_scheme, node_type, status, version]
        .iter()
        .map(|text| text.len())
        .sum()
}

fn rfc3339(at: UnixNanos) -> String {
    let since = Duration::from_nanos(u64::try_from(at.0).unwrap_or_default());
    humantime::format_rfc3339_nanos(UNIX_EPOCH + since).to_string()
}

fn parse_rfc3339(text: &str) -> Option<UnixNanos> {
    let since = humantime::parse_rfc3339_weak(text)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_nanos()).ok().map(UnixNanos)
}
