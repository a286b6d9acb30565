//! Announcements (wire.md 8): who runs which version, in memory only, for `/show-cluster`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use crate::base::{Address, UnixNanos};
use crate::cluster::Exchange;
use crate::cluster::shared::Shared;
use crate::raft::Raft;
use crate::runtime::lock;
use crate::wire::api::{Announcement, AnnouncementContext};
use crate::wire::identity::Identity;

/// Go's zero time: an announcement about oneself carries no time, its receiver's clock counts.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// Anyone may announce: more nodes than this are no cluster of ours.
const MAX_KNOWN_NODES: usize = 4096;
/// Of one announcement: names, addresses and a version. With the number of nodes this bounds what
/// strangers can make this node hold.
const MAX_ENTRY_BYTES: usize = 2048;

/// What is known of other nodes, by their `tcpAddr`.
pub(in crate::cluster) struct Gossip {
    shared: Arc<Shared>,
    known: Mutex<BTreeMap<String, (UnixNanos, Announcement)>>,
}

impl Gossip {
    pub(in crate::cluster) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            known: Mutex::default(),
        }
    }

    /// Takes an announcement and what it passes on. The sender is stamped with this node's clock;
    /// of what is passed on the newest counts, and nothing from the future: it would never expire.
    pub(in crate::cluster) fn take(&self, announcement: &Announcement) {
        let now = self.shared.env.clock.now();
        let own = self
            .shared
            .view
            .borrow()
            .raft
            .as_ref()
            .map(Address::to_string);
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

    /// A poll of a member says what its announcement would.
    pub(in crate::cluster) fn polled(&self, theirs: &Identity) {
        self.take(&Announcement {
            tcp_addr: theirs.raft.to_string(),
            http_addr: theirs.http.to_string(),
            http_scheme: "http".to_owned(),
            time: ZERO_TIME.to_owned(),
            node_type: "meta".to_owned(),
            version: theirs.version.clone(),
            ..Announcement::default()
        });
    }

    pub(in crate::cluster) fn all(&self) -> Vec<Announcement> {
        self.expire();
        lock(&self.known)
            .values()
            .map(|(_, announcement)| announcement.clone())
            .collect()
    }

    fn expire(&self) {
        let life = i64::try_from(self.shared.config.announcement_expiration.as_nanos())
            .unwrap_or(i64::MAX);
        let oldest = self.shared.env.clock.now().0.saturating_sub(life);
        lock(&self.known).retain(|_, (at, _)| at.0 >= oldest);
    }

    fn ours(&self) -> Option<Announcement> {
        let view = self.shared.view.borrow().clone();
        let gossip: BTreeMap<_, _> = self
            .all()
            .into_iter()
            .map(|entry| (entry.tcp_addr.clone(), Some(entry)))
            .collect();
        Some(Announcement {
            tcp_addr: view.raft.as_ref()?.to_string(),
            http_addr: view.http.as_ref()?.to_string(),
            http_scheme: "http".to_owned(),
            time: ZERO_TIME.to_owned(),
            node_type: "meta".to_owned(),
            status: String::new(),
            context: (!gossip.is_empty()).then_some(AnnouncementContext { gossip }),
            version: self.shared.config.version.clone(),
        })
    }
}

/// A member announces itself to one other at a time, in random order, until one takes it.
pub(in crate::cluster) async fn tell_others(
    gossip: Arc<Gossip>,
    exchange: Arc<dyn Exchange>,
    raft: Raft,
) {
    let shared = gossip.shared.clone();
    let stop = shared.env.tasks.clone();
    let mut raft_changed = raft.changed();
    loop {
        let mut others = others(&shared, &raft);
        while let (Some(ours), false) = (gossip.ours(), others.is_empty()) {
            let chosen = others.swap_remove(shared.env.rng.u64() as usize % others.len());
            let sent =
                tokio::time::timeout(ANNOUNCE_TIMEOUT, exchange.announce(&chosen, ours)).await;
            if matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
        let pause = tokio::time::sleep(shared.config.gossip_frequency);
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

/// One slow node must not keep the others from hearing.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(2);

fn others(shared: &Shared, raft: &Raft) -> Vec<Address> {
    let own = shared.view.borrow().http.clone();
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

/// What it passes on is not its own, and not copied: one announcement may carry thousands.
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
