use super::*;
use crate::base::{Address, DurationNanos, Name, Text};
use crate::catalog::{DataNode, Shard};
use crate::wire::api::ShardInfo;

const HOUR: i64 = DurationNanos::HOUR.0;

/// Returns groups with consecutive ids from `first`, of `shards` shards each with two owners, of
/// which the second is in no catalog.
fn groups(first: u64, count: u64, shards: u64) -> impl Iterator<Item = ShardGroup> {
    (first..first + count).map(move |id| ShardGroup {
        id: ShardGroupId(id),
        start: UnixNanos(id as i64 * HOUR),
        end: UnixNanos((id as i64 + 1) * HOUR),
        deleted_at: (id % 7 == 3).then_some(UnixNanos(1)),
        truncated_at: (id % 5 == 2).then_some(UnixNanos(id as i64 * HOUR + 1)),
        shards: (0..shards)
            .map(|n| Shard {
                id: ShardId(id * 1000 + n),
                owners: vec![NodeId(1), NodeId(2)],
            })
            .collect(),
    })
}

fn policy(name: &str, duration: i64, groups: impl Iterator<Item = ShardGroup>) -> RetentionPolicy {
    RetentionPolicy {
        name: Name::from(name),
        duration: DurationNanos(duration),
        shard_group_duration: DurationNanos::HOUR,
        replica_n: 2,
        shard_groups: groups.collect(),
        subscriptions: Vec::new(),
    }
}

/// Databases without a policy, without a group, with groups larger than a page, and with names that
/// are escaped.
fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let policies = [
        ("empty", vec![]),
        ("bare", vec![policy("rp", 0, groups(1, 0, 0))]),
        (
            "a<&\"b",
            vec![
                policy("ever", 0, groups(1, 40, 10)),
                policy("none", HOUR, groups(1, 0, 0)),
                policy("hour", HOUR, groups(100, 40, 1)),
            ],
        ),
        ("wide", vec![policy("rp", 0, groups(500, 2, 700))]),
        ("last", vec![policy("rp", HOUR, groups(900, 3, 1))]),
    ];
    let databases = policies.map(|(name, retention_policies)| Database {
        name: Name::from(name),
        default_retention_policy: Name::default(),
        retention_policies,
        continuous_queries: Vec::new(),
    });
    catalog.replace_databases(databases);
    let node = DataNode {
        id: NodeId(1),
        http: Text::from("d1:8086"),
        tcp: Text::from(&Address::new("d1", 8088).to_string()),
        labels: Default::default(),
    };
    catalog.data_nodes.insert(NodeId(1), node);
    catalog
}

fn listing(filter: ShardFilter, now: UnixNanos, reports: Reports) -> Listing {
    Listing {
        applied: Arc::new(Applied {
            last: None,
            catalog: catalog(),
        }),
        filter,
        now,
        reports,
    }
}

/// Returns the whole list, and the number of its pages.
fn whole(listing: &Listing) -> (Vec<u8>, usize) {
    let (mut bytes, mut next, mut pages) = (Vec::new(), Some(Cursor::START), 0);
    while let Some(cursor) = next {
        let (page, after) = listing.page(cursor);
        assert!(page.len() < PAGE_BYTES + 1000, "{} bytes", page.len());
        bytes.extend_from_slice(&page);
        (next, pages) = (after, pages + 1);
    }
    (bytes, pages)
}

/// Ids of shards that are in the catalog and not deleted, in the order of the wire.
fn ids(listing: &Listing, shows: impl Fn(&RetentionPolicy, &ShardGroup) -> bool) -> Vec<u64> {
    let mut ids = Vec::new();
    for database in listing.catalog().databases.iter() {
        for policy in &database.retention_policies {
            let groups = policy.shard_groups.iter();
            for group in groups.filter(|group| !group.is_deleted() && shows(policy, group)) {
                ids.extend(group.shards.iter().map(|shard| shard.id.0));
            }
        }
    }
    ids
}

/// Reads a list back. What is written again must be the same bytes.
fn read(bytes: &[u8]) -> Vec<ShardInfo> {
    let read: Option<Vec<ShardInfo>> = serde_json::from_slice(bytes).expect("JSON");
    let mut again = go_json::to_string(&read);
    again.push('\n');
    assert_eq!(bytes, again.as_bytes());
    read.unwrap_or_default()
}

#[test]
fn pages_are_one_list_of_all_shards_in_order() {
    let filter = ShardFilter {
        expired: true,
        ..ShardFilter::default()
    };
    let listing = listing(filter, UnixNanos(0), Reports::new());
    let (bytes, pages) = whole(&listing);
    assert!(pages > 5, "{pages} pages");
    let read = read(&bytes);
    let shown: Vec<u64> = read.iter().map(|shard| shard.id.0).collect();
    assert_eq!(shown, ids(&listing, |_, _| true));
    let first = &read[0];
    assert_eq!(
        (first.database.as_str(), first.retention_policy.as_str()),
        ("a<&\"b", "ever")
    );
    let owners: Vec<_> = first
        .owners
        .iter()
        .map(|owner| (owner.id.0, owner.tcp_addr.as_str(), owner.err.as_str()))
        .collect();
    assert_eq!(owners, [(1, "d1:8088", ""), (2, "", "")]);
}

#[test]
fn groups_past_their_retention_are_left_out() {
    let now = UnixNanos(120 * HOUR);
    let listing = listing(ShardFilter::default(), now, Reports::new());
    let shown: Vec<u64> = read(&whole(&listing).0)
        .iter()
        .map(|shard| shard.id.0)
        .collect();
    let lives = |policy: &RetentionPolicy, group: &ShardGroup| {
        policy.duration.0 == 0 || group.end.0 + policy.duration.0 >= now.0
    };
    assert_eq!(shown, ids(&listing, lives));
    assert!(shown.len() < ids(&listing, |_, _| true).len());
}

#[test]
fn no_shards_are_null() {
    let mut listing = listing(ShardFilter::default(), UnixNanos(0), Reports::new());
    listing.applied = Arc::new(Applied {
        last: None,
        catalog: Catalog::default(),
    });
    assert_eq!(whole(&listing), (b"null\n".to_vec(), 1));
}

/// The first node holds every second shard of the catalog, and 500 more that the catalog does not
/// have.
#[test]
fn inconsistent_copies_are_those_on_one_side_only() {
    let filter = ShardFilter {
        inconsistent: true,
        expired: true,
        ..ShardFilter::default()
    };
    let mut listing = listing(filter, UnixNanos(0), Reports::new());
    let all = ids(&listing, |_, _| true);
    let held = all.iter().copied().filter(|id| id % 2 == 0);
    let report = held
        .chain(2_000_000..2_000_500)
        .map(|id| {
            let held = ShardOwnerInfo {
                id: NodeId(1),
                tcp_addr: "d1:8088".to_owned(),
                state: "hot".to_owned(),
                last_modified: "2026-11-23T05:34:20+02:00".to_owned(),
                size: 7,
                err: String::new(),
            };
            (id, held)
        })
        .collect();
    listing.reports = Reports::from([
        (NodeId(1), Ok(report)),
        (NodeId(2), Err("no answer in time".to_owned())),
    ]);
    let shown = read(&whole(&listing).0);
    let missing = all.iter().copied().filter(|id| id % 2 == 1);
    let want: Vec<u64> = missing.chain(2_000_000..2_000_500).collect();
    let ids: Vec<u64> = shown.iter().map(|shard| shard.id.0).collect();
    assert_eq!(ids, want);
    let errors = |shard: &ShardInfo| -> Vec<String> {
        shard.owners.iter().map(|owner| owner.err.clone()).collect()
    };
    assert_eq!(errors(&shown[0]), ["not found", "no answer in time"]);
    let last = shown.last().expect("a copy");
    assert_eq!(errors(last), ["not in the catalog"]);
    assert_eq!(
        (last.owners[0].state.as_str(), last.owners[0].size),
        ("hot", 7)
    );
}
