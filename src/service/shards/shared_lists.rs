//! Lists of shards that several callers read at the same time.
//!
//! Invariants: a list is never older than what this node had applied when it was asked for; callers
//! who ask while an equal list is being read share it and its pages; one page is made at a time,
//! never on the threads that carry Raft; and the memory of all lists together is bounded, whatever
//! number of callers read them slowly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::ShardFilter;
use super::listing::{Cursor, Listing};
use crate::base::UnixNanos;
use crate::raft::Applied;
use crate::runtime::{Tasks, lock};

/// Maximum number of lists that are being read. Each keeps the catalog of its index alive. Further
/// callers wait, and then share the next one.
const MAX_LISTS: usize = 4;
/// The same for lists with reports of the data nodes, which may be as large as the catalog.
const MAX_LISTS_WITH_REPORTS: usize = 2;
/// Bytes of pages that a list keeps for callers who come later: all of a list of 5,000 shards.
/// Pages that are not kept are made again.
const MAX_KEPT_BYTES: usize = 2 << 20;
/// Maximum age of a list that new callers may share, where a group may pass its retention
/// meanwhile.
const MAX_AGE: Duration = Duration::from_secs(10);

pub(in crate::service) struct SharedLists {
    lists: Mutex<Vec<Weak<ShardList>>>,
    of_catalog: Making,
    with_reports: Making,
    rendering: Arc<Semaphore>,
    tasks: Tasks,
}

/// Makes lists of one kind, one at a time.
pub(super) struct Making {
    turn: tokio::sync::Mutex<()>,
    places: Arc<Semaphore>,
}

struct ShardList {
    listing: Arc<Listing>,
    began: Instant,
    pages: Mutex<Pages>,
    _place: OwnedSemaphorePermit,
}

struct Pages {
    /// Start of each page that is known.
    starts: Vec<Cursor>,
    /// Latest pages, with their numbers.
    kept: VecDeque<(usize, Bytes)>,
    kept_bytes: usize,
}

/// A caller's position in a list.
pub struct ShardListReader {
    list: Arc<ShardList>,
    next: Option<usize>,
    rendering: Arc<Semaphore>,
    tasks: Tasks,
}

impl SharedLists {
    pub(in crate::service) fn new(tasks: &Tasks) -> Self {
        Self {
            lists: Mutex::default(),
            of_catalog: Making::new(MAX_LISTS),
            with_reports: Making::new(MAX_LISTS_WITH_REPORTS),
            rendering: Arc::new(Semaphore::new(1)),
            tasks: tasks.clone(),
        }
    }

    pub(super) fn making(&self, filter: ShardFilter) -> &Making {
        if filter.wants_reports() {
            &self.with_reports
        } else {
            &self.of_catalog
        }
    }

    /// Returns a list that is being read and is new enough for a caller who came at `arrived`.
    pub(super) fn find(
        &self,
        filter: ShardFilter,
        applied: &Applied,
        now: UnixNanos,
        arrived: Instant,
    ) -> Option<ShardListReader> {
        let mut lists = lock(&self.lists);
        lists.retain(|list| list.strong_count() > 0);
        lists
            .iter()
            .rev()
            .filter_map(Weak::upgrade)
            .find(|list| list.listing.filter == filter && list.is_new_enough(applied, now, arrived))
            .map(|list| self.reader(list))
    }

    /// Adds a list for the caller, and for those who come while it is being read.
    pub(super) fn add(
        &self,
        listing: Listing,
        began: Instant,
        place: OwnedSemaphorePermit,
    ) -> ShardListReader {
        let list = Arc::new(ShardList {
            listing: Arc::new(listing),
            began,
            pages: Mutex::new(Pages {
                starts: vec![Cursor::START],
                kept: VecDeque::new(),
                kept_bytes: 0,
            }),
            _place: place,
        });
        lock(&self.lists).push(Arc::downgrade(&list));
        self.reader(list)
    }

    fn reader(&self, list: Arc<ShardList>) -> ShardListReader {
        ShardListReader {
            list,
            next: Some(0),
            rendering: self.rendering.clone(),
            tasks: self.tasks.clone(),
        }
    }
}

impl Making {
    fn new(places: usize) -> Self {
        Self {
            turn: tokio::sync::Mutex::default(),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// Waits until no other caller makes a list.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Waits until there is a place for another list. `None` never happens: the semaphore is not
    /// closed.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.ok()
    }
}

impl ShardList {
    fn is_new_enough(&self, applied: &Applied, now: UnixNanos, arrived: Instant) -> bool {
        let listing = &self.listing;
        if listing.filter.wants_reports() {
            // Reports may change at any time: only those count that were asked for later.
            return self.began >= arrived;
        }
        let max_age = i64::try_from(MAX_AGE.as_nanos()).unwrap_or(i64::MAX);
        let is_current = (0..=max_age).contains(&now.0.saturating_sub(listing.now.0));
        let (theirs, ours) = (&applied.catalog, &listing.applied.catalog);
        ours.cluster.as_ref().map(|cluster| cluster.id)
            == theirs.cluster.as_ref().map(|cluster| cluster.id)
            && listing.applied.last >= applied.last
            && (listing.filter.expired || is_current)
    }
}

impl Pages {
    fn kept(&self, number: usize) -> Option<Bytes> {
        let found = self.kept.iter().find(|(kept, _)| *kept == number);
        found.map(|(_, bytes)| bytes.clone())
    }

    fn keep(&mut self, number: usize, bytes: &Bytes, next: Option<Cursor>) {
        if let Some(next) = next
            && self.starts.len() == number + 1
        {
            self.starts.push(next);
        }
        self.kept_bytes += bytes.len();
        self.kept.push_back((number, bytes.clone()));
        while self.kept_bytes > MAX_KEPT_BYTES
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.kept_bytes -= oldest.len();
        }
    }
}

impl ShardListReader {
    /// Returns the next page; `None` after the last one.
    pub async fn next_page(&mut self) -> Option<Bytes> {
        let number = self.next?;
        let page = match self.kept(number) {
            Some(page) => page,
            None => self.make(number).await?,
        };
        let has_next = lock(&self.list.pages).starts.len() > number + 1;
        self.next = has_next.then_some(number + 1);
        Some(page)
    }

    /// Returns whether the last page was returned.
    pub fn is_at_end(&self) -> bool {
        self.next.is_none()
    }

    fn kept(&self, number: usize) -> Option<Bytes> {
        lock(&self.list.pages).kept(number)
    }

    async fn make(&self, number: usize) -> Option<Bytes> {
        let turn = self.rendering.clone().acquire_owned().await.ok()?;
        // Another reader may have made it meanwhile.
        if let Some(page) = self.kept(number) {
            return Some(page);
        }
        let start = *lock(&self.list.pages).starts.get(number)?;
        let list = self.list.clone();
        let render = move || {
            // The turn ends with the work, also where the caller has gone.
            let _turn = turn;
            let (page, next) = list.listing.page(start);
            lock(&list.pages).keep(number, &page, next);
            page
        };
        Some(self.tasks.blocking(render).await)
    }
}

#[cfg(test)]
mod tests;
