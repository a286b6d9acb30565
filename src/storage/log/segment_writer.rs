//! Writer of records into the current segment, and the change to the next segment.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::log_state::LogState;
use super::maintenance::NewReserve;
use super::mirror::Mirror;
use super::pointers::{Pointers, index_of};
use super::recovery::Recovered;
use super::segment::{self, RESERVES, Reserve, Segment};
use crate::base::Incarnation;
use crate::runtime::Env;
use crate::runtime::disk::File;
use crate::wire::wal::{HEAD_LEN, Head, MARK_LEN, Record, Stamp};

/// Capacity that the buffer keeps: memory of one large batch is freed again.
const BUFFER_BYTES: usize = 1 << 20;

/// Time below which a segment counts as filled under load. Two segments are then kept ready, so
/// that the log need not wait for the next one: a slow disk takes seconds to fill one with zeros.
const BUSY_SEGMENT_INTERVAL: Duration = Duration::from_secs(10);

pub(super) struct SegmentWriter {
    env: Env,
    wal: PathBuf,
    incarnation: Incarnation,
    segment_bytes: u64,
    state: Arc<LogState>,

    /// Oldest first. The last is the current one.
    segments: Vec<Segment>,
    file: Box<dyn File>,
    salt: u64,
    size: u64,
    /// Offset in the file at which `buffer` is written.
    offset: u64,
    /// Records that are encoded and not yet written.
    buffer: Vec<u8>,
    /// Prepared segments, the next one first.
    reserves: VecDeque<Reserve>,
    /// Time at which the current segment was begun here.
    begun: Option<Instant>,
    /// Set if the segment before this one was filled within [`BUSY_SEGMENT_INTERVAL`].
    busy: bool,

    /// Sequence number of the next record.
    seq: u64,
    epoch: u64,
    durable_to: u64,
    /// Last `durable_to` that is written in a header or a mark.
    marked_to: u64,
    pointers: Pointers,
}

impl SegmentWriter {
    /// Continues after what recovery found, or begins a log. Ends with a synced mark of a new
    /// epoch.
    pub(super) fn open(
        env: &Env,
        wal: PathBuf,
        incarnation: Incarnation,
        segment_bytes: u64,
        recovered: Option<Recovered>,
    ) -> io::Result<Self> {
        let recovered = match recovered {
            Some(recovered) => recovered,
            None => create_log(env, &wal, incarnation, segment_bytes)?,
        };
        let mut writer = Self {
            env: env.clone(),
            wal,
            incarnation,
            segment_bytes,
            pointers: recovered.mirror.pointers(),
            state: Arc::new(LogState::new(recovered.mirror)),
            segments: recovered.segments,
            file: recovered.file,
            salt: recovered.salt,
            size: recovered.size,
            offset: recovered.offset,
            buffer: Vec::new(),
            reserves: recovered.reserves.into(),
            begun: None,
            busy: false,
            seq: recovered.next_seq,
            epoch: recovered.epoch + 1,
            durable_to: recovered.next_seq - 1,
            marked_to: 0,
        };
        writer.write_synced_mark(false)?;
        Ok(writer)
    }

    pub(super) fn state(&self) -> &Arc<LogState> {
        &self.state
    }

    /// Encodes a record into the buffer. Begins the next segment if this one is full.
    pub(super) fn append(&mut self, record: &Record) -> io::Result<()> {
        let len = record.encoded_len();
        if self.bytes_left() < len as u64 {
            self.begin_next_segment(len)?;
        }
        let stamp = Stamp {
            salt: self.salt,
            seq: self.seq,
            epoch: self.epoch,
            durable_to: self.durable_to,
        };
        record.encode(&stamp, &mut self.buffer);
        self.marked_to = self.durable_to;
        self.seq += 1;
        self.pointers.apply(record);
        Ok(())
    }

    /// Writes the buffer into the page cache.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.file.write_at(self.offset, &self.buffer)?;
            self.offset += self.buffer.len() as u64;
            self.buffer.clear();
            self.buffer.shrink_to(BUFFER_BYTES);
        }
        Ok(())
    }

    /// Writes the buffer and syncs the file: everything so far is then durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        let started = Instant::now();
        self.file.sync()?;
        self.state.fsyncs.observe(started.elapsed());
        self.durable_to = self.seq - 1;
        self.state.set_durable_seq(self.durable_to);
        Ok(())
    }

    /// Returns whether nothing on disk says yet how far everything is durable.
    pub(super) fn needs_mark(&self) -> bool {
        self.marked_to < self.durable_to
    }

    /// Writes evidence that everything before is durable, if there is none yet, into the segment
    /// and the reserve. Also writes `saved`. Not synced.
    pub(super) fn write_mark(&mut self, saved: Option<Record>) -> io::Result<()> {
        if self.needs_mark()
            && let Some(reserve) = self.reserves.front_mut()
        {
            reserve.write_mark(self.seq, self.epoch, self.durable_to)?;
        }
        // The header of this record is evidence, as a mark is.
        if let Some(record) = saved {
            self.append(&record)?;
        }
        // A mark never begins a segment, and it leaves space for the closing mark.
        if self.needs_mark() && self.bytes_left() >= 2 * MARK_LEN as u64 {
            self.append(&Record::DurabilityMark { closed: false })?;
        }
        self.marked_to = self.durable_to;
        self.flush()
    }

    /// Writes and syncs a mark in the segment and in the reserve.
    pub(super) fn write_synced_mark(&mut self, closed: bool) -> io::Result<()> {
        self.append(&Record::DurabilityMark { closed })?;
        self.sync()?;
        if let Some(reserve) = self.reserves.front_mut() {
            reserve.write_mark(self.seq, self.epoch, self.durable_to)?;
            reserve.file.sync()?;
        }
        Ok(())
    }

    /// Returns the reserve to create: one is always kept, two under load.
    pub(super) fn wanted_reserve(&self) -> Option<NewReserve> {
        let wanted = if self.busy { RESERVES.len() } else { 1 };
        if self.reserves.len() >= wanted {
            return None;
        }
        let is_used = |name: &str| self.reserves.iter().any(|reserve| reserve.name == name);
        Some(NewReserve {
            name: RESERVES.into_iter().find(|name| !is_used(name))?,
            // A reserve has no position in the log.
            head: self.head(0),
            size: self.segment_bytes,
        })
    }

    pub(super) fn add_reserve(&mut self, reserve: Reserve) {
        self.reserves.push_back(reserve);
    }

    /// Bytes of records that can be written without any free space: the larger of what is left in
    /// this segment and of the prepared ones. A record does not cross from one to the next.
    pub(super) fn certain_bytes(&self) -> u64 {
        let usable = |reserve: &Reserve| reserve.size.saturating_sub(HEAD_LEN as u64);
        let reserve = self.reserves.iter().map(usable).max().unwrap_or(0);
        self.bytes_left().max(reserve)
    }

    /// Returns whether [`SegmentWriter::take_unneeded_segments`] would return any.
    pub(super) fn has_unneeded_segments(&self) -> bool {
        self.oldest_needed() > 0
    }

    /// Removes from the list the segments that are not needed once everything is synced. The caller
    /// unlinks them.
    pub(super) fn take_unneeded_segments(&mut self) -> Vec<PathBuf> {
        let oldest = self.oldest_needed();
        self.segments
            .drain(..oldest)
            .map(|segment| segment.path)
            .collect()
    }

    /// Position of the last segment that begins at or before the purge point. Its head repeats the
    /// vote, however old, and the record of the purge is in this segment or a later one.
    fn oldest_needed(&self) -> usize {
        let purged = index_of(self.pointers.purged);
        self.segments
            .iter()
            .rposition(|segment| index_of(segment.last_before) <= purged)
            .unwrap_or(0)
    }

    fn bytes_left(&self) -> u64 {
        self.size - self.offset - self.buffer.len() as u64
    }

    fn head(&self, first_seq: u64) -> Head {
        Head {
            incarnation: self.incarnation,
            salt: self.env.rng.u64(),
            epoch: self.epoch,
            first_seq,
            vote: self.pointers.vote,
            purged: self.pointers.purged,
            last: self.pointers.last,
            committed: self.pointers.committed,
        }
    }

    /// Begins the next segment. It has the usual size, or the size that its first record needs.
    fn begin_next_segment(&mut self, first_record: usize) -> io::Result<()> {
        // Safety order: sync the current segment before the next one is created. The head of the
        // next one says that everything before it is durable. If that were not true, a power loss
        // would leave records missing before that head, and the node would halt as damaged.
        self.sync()?;
        let head = self.head(self.seq);
        let needed = (HEAD_LEN + first_record + MARK_LEN).next_multiple_of(HEAD_LEN) as u64;
        let (disk, name) = (&*self.env.disk, segment::file_name(self.seq));
        let fitting = self
            .reserves
            .iter()
            .position(|reserve| reserve.size >= needed);
        (self.size, self.file) = match fitting.and_then(|at| self.reserves.remove(at)) {
            Some(reserve) => (reserve.size, reserve.promote(disk, &self.wal, &head)?),
            None => {
                let size = needed.max(self.segment_bytes);
                (size, segment::create(disk, &self.wal, &name, size, &head)?)
            }
        };
        (self.salt, self.offset) = (head.salt, HEAD_LEN as u64);
        let begun = self.begun.replace(Instant::now());
        self.busy = begun.is_some_and(|begun| begun.elapsed() < BUSY_SEGMENT_INTERVAL);
        self.segments.push(Segment {
            path: self.wal.join(name),
            last_before: head.last,
        });
        Ok(())
    }
}

/// Creates the first segment of a new log.
fn create_log(
    env: &Env,
    wal: &std::path::Path,
    incarnation: Incarnation,
    size: u64,
) -> io::Result<Recovered> {
    let head = Head {
        incarnation,
        salt: env.rng.u64(),
        epoch: 0,
        first_seq: 1,
        vote: None,
        purged: None,
        last: None,
        committed: None,
    };
    let name = segment::file_name(1);
    let file = segment::create(&*env.disk, wal, &name, size, &head)?;
    Ok(Recovered {
        mirror: Mirror::default(),
        segments: vec![Segment {
            path: wal.join(name),
            last_before: None,
        }],
        file,
        salt: head.salt,
        size,
        offset: HEAD_LEN as u64,
        next_seq: 1,
        epoch: 0,
        reserves: Vec::new(),
    })
}
