use super::super::listing::Reports;
use super::*;
use crate::base::{DurationNanos, LogId, Name, NodeId, ShardGroupId, ShardId};
use crate::catalog::{Catalog, Database, RetentionPolicy, Shard, ShardGroup};

/// Enough for more pages than are kept.
const SHARDS: u64 = 9_000;

fn applied(index: u64) -> Arc<Applied> {
    let group = ShardGroup {
        id: ShardGroupId(1),
        start: UnixNanos(0),
        end: UnixNanos(1),
        deleted_at: None,
        truncated_at: None,
        shards: (1..=SHARDS)
            .map(|id| Shard {
                id: ShardId(id),
                owners: vec![NodeId(1)],
            })
            .collect(),
    };
    let policy = RetentionPolicy {
        name: Name::from("rp"),
        duration: DurationNanos(0),
        shard_group_duration: DurationNanos::HOUR,
        replica_n: 1,
        shard_groups: [group].into_iter().collect(),
        subscriptions: Vec::new(),
    };
    let mut catalog = Catalog::default();
    catalog.replace_databases([Database {
        name: Name::from("db"),
        default_retention_policy: Name::from("rp"),
        retention_policies: vec![policy],
        continuous_queries: Vec::new(),
    }]);
    let last = Some(LogId { term: 1, index });
    Arc::new(Applied { last, catalog })
}

async fn list(lists: &SharedLists, applied: &Arc<Applied>) -> ShardListReader {
    let listing = Listing {
        applied: applied.clone(),
        filter: ShardFilter::default(),
        now: UnixNanos(0),
        reports: Reports::new(),
    };
    let place = lists.of_catalog.place().await.expect("a place");
    lists.add(listing, Instant::now(), place)
}

fn find(lists: &SharedLists, applied: &Applied) -> Option<ShardListReader> {
    lists.find(
        ShardFilter::default(),
        applied,
        UnixNanos(0),
        Instant::now(),
    )
}

async fn pages(mut reader: ShardListReader) -> Vec<Bytes> {
    let mut pages = Vec::new();
    while let Some(page) = reader.next_page().await {
        pages.push(page);
    }
    assert!(reader.is_at_end());
    pages
}

#[tokio::test]
async fn readers_of_one_index_get_the_same_pages() {
    let lists = SharedLists::new(&Tasks::threads());
    let state = applied(5);
    let mut first = list(&lists, &state).await;
    let mut others: Vec<_> = (0..20)
        .map(|_| find(&lists, &state).expect("shared"))
        .collect();
    loop {
        let page = first.next_page().await;
        for other in &mut others {
            let theirs = other.next_page().await;
            assert_eq!(
                theirs.as_ref().map(|b| b.as_ptr()),
                page.as_ref().map(|b| b.as_ptr())
            );
        }
        if page.is_none() {
            break;
        }
    }
}

#[tokio::test]
async fn a_late_reader_of_a_list_gets_the_same_bytes() {
    let lists = SharedLists::new(&Tasks::threads());
    let state = applied(5);
    let first = list(&lists, &state).await;
    let late = find(&lists, &state).expect("shared");
    let all = pages(first).await.concat();
    assert!(all.len() > MAX_KEPT_BYTES, "not all pages are kept");
    assert_eq!(pages(late).await.concat(), all);
}

#[tokio::test]
async fn a_list_is_never_older_than_its_caller() {
    let lists = SharedLists::new(&Tasks::threads());
    let (old, new) = (applied(5), applied(6));
    let reader = list(&lists, &old).await;
    assert!(find(&lists, &new).is_none());
    assert!(find(&lists, &applied(4)).is_some());
    let later = UnixNanos(MAX_AGE.as_nanos() as i64 + 1);
    let now = Instant::now();
    assert!(
        lists
            .find(ShardFilter::default(), &old, later, now)
            .is_none(),
        "groups may have passed their retention"
    );
    drop(reader);
    assert!(find(&lists, &old).is_none(), "nobody reads it any more");
}

/// Readers who do not read hold a place each, and what they hold does not grow.
#[tokio::test]
async fn slow_readers_hold_few_lists() {
    let lists = SharedLists::new(&Tasks::threads());
    let mut slow = Vec::new();
    for index in 0..MAX_LISTS as u64 {
        slow.push(list(&lists, &applied(index)).await);
    }
    for reader in &mut slow {
        while reader.next_page().await.is_some() {}
        let kept = lock(&reader.list.pages).kept_bytes;
        assert!(kept <= MAX_KEPT_BYTES, "{kept} bytes");
    }
    assert_eq!(lists.of_catalog.places.available_permits(), 0);
    assert_eq!(
        lists.with_reports.places.available_permits(),
        MAX_LISTS_WITH_REPORTS
    );
    drop(slow.pop());
    assert_eq!(lists.of_catalog.places.available_permits(), 1);
}
