//! openraft's log, kept by `storage::Log`.
//!
//! `Log` guarantees what openraft requires: appended entries can be read at once, completions come
//! only after entries are durable, a vote is durable before `save_vote` returns, and everything is
//! one stream.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};

use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader};

use super::halt_latch::HaltLatch;
use super::types::{
    OpenEntry, OpenLogId, OpenVote, Types, log_id, open_log_id, open_payload, open_vote, payload,
    vote,
};
use crate::storage::{Entry, Log};

/// Approximate maximum size of an append request. It may take as long as a heartbeat on a slow
/// link.
const MAX_READ_BYTES: usize = 1024 * 1024;

#[derive(Clone)]
pub(super) struct LogStore {
    log: Log,
    halt_latch: HaltLatch,
}

impl LogStore {
    pub(super) fn new(log: Log, halt_latch: HaltLatch) -> Self {
        Self { log, halt_latch }
    }

    fn read(&self, range: Range<u64>, max_bytes: usize) -> io::Result<Vec<OpenEntry>> {
        self.log
            .read(range, max_bytes)
            .into_iter()
            .map(|entry| self.open_entry(entry))
            .collect()
    }

    fn open_entry(&self, entry: Entry) -> io::Result<OpenEntry> {
        match open_payload(entry.kind, entry.payload) {
            Ok(payload) => Ok(OpenEntry {
                log_id: open_log_id(entry.log_id),
                payload,
            }),
            Err(why) => Err(self.halt_latch.unreadable_entry(entry.log_id, why)),
        }
    }
}

fn storage_entry(entry: &OpenEntry) -> Entry {
    let (kind, payload) = payload(&entry.payload);
    Entry {
        log_id: log_id(entry.log_id),
        kind,
        payload,
    }
}

fn half_open(range: &impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    start..end
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> io::Result<Vec<OpenEntry>> {
        self.read(half_open(&range), usize::MAX)
    }

    async fn read_vote(&mut self) -> io::Result<Option<OpenVote>> {
        Ok(self.log.vote().map(open_vote))
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> io::Result<Vec<OpenEntry>> {
        let entries = self.read(start..end, MAX_READ_BYTES)?;
        // Entries that do not begin at `start` would be sent behind the wrong predecessor. Without
        // any entries openraft sends an empty request and reads again.
        let whole = entries
            .first()
            .is_some_and(|first| first.log_id.index == start);
        Ok(if whole { entries } else { Vec::new() })
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let bounds = self.log.bounds();
        Ok(LogState {
            last_purged_log_id: bounds.purged.map(open_log_id),
            last_log_id: bounds.last.map(open_log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, open: &OpenVote) -> io::Result<()> {
        let saved = self.log.save_vote(vote(open)).await;
        self.halt_latch.storage("saving the vote", saved)
    }

    async fn save_committed(&mut self, committed: Option<OpenLogId>) -> io::Result<()> {
        self.log.save_committed(committed.map(log_id));
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<OpenLogId>> {
        Ok(self.log.committed().map(open_log_id))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = OpenEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries
            .into_iter()
            .map(|entry| storage_entry(&entry))
            .collect();
        let halt_latch = self.halt_latch.clone();
        // Safety order: the entries are on disk before openraft is notified. A leader counts this
        // node towards the majority from then on.
        let done =
            move |written| callback.io_completed(halt_latch.storage("writing the log", written));
        self.log.append(entries, Box::new(done));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<OpenLogId>) -> io::Result<()> {
        let truncated = self.log.truncate_after(last.map(log_id)).await;
        self.halt_latch.storage("truncating the log", truncated)
    }

    async fn purge(&mut self, upto: OpenLogId) -> io::Result<()> {
        let purged = self.log.purge(log_id(upto)).await;
        self.halt_latch.storage("purging the log", purged)
    }
}
