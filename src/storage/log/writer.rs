//! The only writer of the log: takes commands from the queue, writes them, syncs once, acknowledges
//! in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::DataDir;
use super::command::{Done, WriterCommand, copy_error};
use super::error::LogError;
use super::log_state::{LogState, closed_error};
use super::maintenance::{Maintenance, MaintenanceResult, ReserveResult};
use super::recovery::Recovered;
use super::segment_writer::SegmentWriter;
use crate::base::Incarnation;
use crate::runtime::Env;

/// Maximum size of a batch. Bounds how long its first command waits for the bytes of the others.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Free space, in segments, below which proposals are refused: room for the reserve after the next
/// one, and for a snapshot, which makes room again.
const MIN_FREE_SEGMENTS: u64 = 3;

/// Delay between a sync and its mark. Without it each commit of a single client would cause two
/// more writes. Under load the next batch is the mark.
const MARK_DELAY: Duration = Duration::from_millis(10);

/// Sizes. Tests use small ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Bytes of each segment. 8 MiB is far above one proposal (4 MiB), and is zeroed in tens of
    /// milliseconds.
    pub segment_bytes: u64,
}

impl LogConfig {
    /// Sizes for a volume of this many bytes: smaller segments below 256 MiB.
    pub(in crate::storage) fn for_volume(volume_bytes: u64) -> Self {
        let share = (volume_bytes / SEGMENTS_OF_A_VOLUME).clamp(MIN_SEGMENT_BYTES, 8 << 20);
        // A power of two, rounded down: a volume that grows or shrinks a little keeps its sizes.
        let segment_bytes = 1 << share.ilog2();
        Self { segment_bytes }
    }

    /// Free bytes that a new log needs: its segment, the reserve, the minimum of free space, and a
    /// segment's size for everything else.
    pub(in crate::storage) fn bytes_to_begin(self) -> u64 {
        (3 + MIN_FREE_SEGMENTS) * self.segment_bytes
    }
}

/// Part of a volume that a segment takes at most.
const SEGMENTS_OF_A_VOLUME: u64 = 32;

/// Size of the smallest segment. Larger commands get a segment of their own size.
const MIN_SEGMENT_BYTES: u64 = 256 << 10;

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
        }
    }
}

pub(super) struct Writer {
    env: Env,
    /// Holds the directory's lock as long as anything may be written.
    dir: DataDir,
    config: LogConfig,
    /// Queue to which maintenance reports. Weak, because the queue closes with the last `Log`.
    queue: mpsc::WeakUnboundedSender<WriterCommand>,
    state: Arc<LogState>,
    segment_writer: SegmentWriter,
    /// Set while a round of maintenance is running.
    maintenance_running: bool,
    /// Set if the last round found no room for a reserve. The next attempt waits until a caller
    /// checks the room or segments are unlinked.
    reserve_failed: bool,
    room_check_requested: bool,
    /// Set if the mark is due but commands were queued: one of them may serve as the mark.
    mark_due: bool,
    /// Callers that wait for the log to close.
    close_waiters: Vec<oneshot::Sender<()>>,
}

impl Writer {
    /// Opens the writer after what recovery found, or on a new log.
    pub(super) fn open(
        env: &Env,
        dir: &DataDir,
        incarnation: Incarnation,
        config: LogConfig,
        recovered: Option<Recovered>,
        queue: mpsc::WeakUnboundedSender<WriterCommand>,
    ) -> Result<Self, LogError> {
        let wal = dir.wal_dir();
        let segment_writer = SegmentWriter::open(
            env,
            wal.clone(),
            incarnation,
            config.segment_bytes,
            recovered,
        );
        let segment_writer = segment_writer.map_err(LogError::io("begin to write in", &wal))?;
        let writer = Self {
            env: env.clone(),
            dir: dir.clone(),
            config,
            queue,
            state: segment_writer.state().clone(),
            segment_writer,
            maintenance_running: false,
            reserve_failed: false,
            room_check_requested: false,
            mark_due: false,
            close_waiters: Vec::new(),
        };
        let available = env
            .disk
            .available(&wal)
            .map_err(LogError::io("look at", &wal))?;
        writer.state.set_min_free(writer.min_free_bytes());
        writer.state.set_free(available, false);
        writer.publish_certain();
        Ok(writer)
    }

    pub(super) fn state(&self) -> &Arc<LogState> {
        &self.state
    }

    /// Runs until the log is closed, or until the last `Log` is dropped and the queue is empty.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<WriterCommand>) {
        self.start_due_work();
        while let Some(first) = queue.recv().await {
            self.handle_batch(take_batch(first, &mut queue));
            self.write_due_mark(&queue);
            // Not while maintenance runs: it holds the directory.
            if !self.close_waiters.is_empty() && !self.maintenance_running {
                break;
            }
        }
        queue.close();
        while let Ok(command) = queue.try_recv() {
            command.refuse(&closed_error());
        }
        // No `Log` is left that could request the mark.
        self.mark_due = true;
        self.write_due_mark(&queue);
        let close_waiters = std::mem::take(&mut self.close_waiters);
        // Safety order: files and the directory's lock are released before `close` returns.
        // Otherwise a caller that opens the directory next would find it locked.
        drop(self);
        for done in close_waiters {
            // A caller that stopped waiting needs no answer.
            let _: Result<(), ()> = done.send(());
        }
    }

    fn handle_batch(&mut self, batch: Vec<WriterCommand>) {
        let mut waiting: Vec<Done> = Vec::new();
        let bytes = batch.iter().map(WriterCommand::payload_bytes).sum();
        let usable = self.state.check();
        let refusing = usable.is_err();
        let mut result = usable;
        for command in batch {
            match command {
                WriterCommand::Write { records, done } => {
                    waiting.extend(done);
                    for record in records {
                        result = result.and_then(|()| self.segment_writer.append(&record));
                    }
                }
                WriterCommand::CheckRoom => self.room_check_requested = true,
                WriterCommand::MaintenanceFinished(done) => {
                    result = result.and(self.finish_maintenance(done))
                }
                WriterCommand::ScheduleMark => self.schedule_mark(),
                WriterCommand::WriteMark => self.mark_due = true,
                WriterCommand::Close { done } => self.close_waiters.push(done),
            }
        }
        // Safety order: write, then sync, then acknowledge. A record acknowledged before the sync
        // could be lost at a power loss, although a leader counted on it.
        let result = result.and_then(|()| self.write_out(!waiting.is_empty()));
        if !refusing {
            self.fail_if_err(&result);
        }
        self.publish_certain();
        self.state.subtract_queued(bytes);
        for done in waiting {
            done(result.as_ref().map_err(copy_error).copied());
        }
        self.start_due_work();
    }

    fn write_out(&mut self, sync: bool) -> io::Result<()> {
        if sync {
            self.segment_writer.sync()
        } else {
            self.segment_writer.flush()
        }
    }

    /// Starts the work that a batch has left to do, after everything is acknowledged.
    fn start_due_work(&mut self) {
        if self.state.check().is_err() {
            return;
        }
        if !self.close_waiters.is_empty() {
            let marked = self.segment_writer.write_synced_mark(true);
            self.fail_if_err(&marked);
            self.state.close();
        } else if !self.maintenance_running && self.maintenance_is_due() {
            // Safety order: sync the record of the purge before the purged segments are unlinked.
            // In the other order a power loss could leave a log whose first entries are missing
            // without a purge that explains it, and the node would halt.
            let synced = if self.segment_writer.has_unneeded_segments() {
                self.segment_writer.sync()
            } else {
                Ok(())
            };
            self.fail_if_err(&synced);
            self.start_maintenance();
        }
    }

    /// Schedules the mark that the last sync lacks, or writes the mark that is due if nothing else
    /// is queued.
    fn write_due_mark(&mut self, queue: &mpsc::UnboundedReceiver<WriterCommand>) {
        if self.state.check().is_err() {
            return;
        }
        if self.mark_due {
            let mut mirror = self.state.mirror();
            // Queued records have taken along what was saved before them. A value saved now may
            // refer to one of them, so it must not be written before them.
            if !queue.is_empty() {
                return;
            }
            self.state.finish_mark_request();
            let saved = mirror.take_committed_record();
            drop(mirror);
            self.mark_due = false;
            let marked = self.segment_writer.write_mark(saved);
            self.fail_if_err(&marked);
        } else if self.segment_writer.needs_mark() && self.state.request_mark() {
            self.schedule_mark();
        }
    }

    /// Schedules a mark in a task of its own. When the runtime ends, the task is dropped; a timer
    /// in the writer's thread would panic.
    fn schedule_mark(&self) {
        let queue = self.queue.clone();
        self.env.tasks.detach(async move {
            tokio::time::sleep(MARK_DELAY).await;
            if let Some(queue) = queue.upgrade() {
                drop(queue.send(WriterCommand::WriteMark));
            }
        });
    }

    fn maintenance_is_due(&self) -> bool {
        let reserve = !self.reserve_failed && self.segment_writer.wanted_reserve().is_some();
        self.room_check_requested || reserve || self.segment_writer.has_unneeded_segments()
    }

    fn publish_certain(&self) {
        self.state.set_certain(self.segment_writer.certain_bytes());
    }

    /// Records a failure. The first error ends the log: after a failed sync it is unknown which
    /// pages the kernel has lost.
    fn fail_if_err(&self, result: &io::Result<()>) {
        if let Err(error) = result {
            self.state.fail(error);
        }
    }

    fn min_free_bytes(&self) -> u64 {
        MIN_FREE_SEGMENTS * self.config.segment_bytes
    }

    /// Starts one round of maintenance. When it ends, the writer checks whether another is due.
    fn start_maintenance(&mut self) {
        if self.state.check().is_err() {
            return;
        }
        (self.maintenance_running, self.room_check_requested) = (true, false);
        let maintenance = Maintenance {
            disk: self.env.disk.clone(),
            wal: self.dir.wal_dir(),
            unneeded: self.segment_writer.take_unneeded_segments(),
            reserve: self.segment_writer.wanted_reserve(),
        };
        let (tasks, queue, dir) = (self.env.tasks.clone(), self.queue.clone(), self.dir.clone());
        self.env.tasks.detach(async move {
            let done = tasks.blocking(move || maintenance.run()).await;
            // Released before the report: when a log is closed, its directory is free.
            drop(dir);
            if let Some(queue) = queue.upgrade() {
                drop(queue.send(WriterCommand::MaintenanceFinished(done)));
            }
        });
    }

    fn finish_maintenance(&mut self, done: MaintenanceResult) -> io::Result<()> {
        self.maintenance_running = false;
        match done.reserve? {
            // The reserve may have been used while this round ran: that says nothing of the disk.
            // The next round creates one.
            ReserveResult::NotWanted => {}
            ReserveResult::Created(reserve) => {
                self.segment_writer.add_reserve(reserve);
                self.reserve_failed = false;
            }
            ReserveResult::NoRoom => self.reserve_failed = true,
        }
        self.publish_certain();
        self.state.set_free(done.available?, self.reserve_failed);
        Ok(())
    }
}

/// Takes what is already queued, up to [`MAX_BATCH_BYTES`]. A close ends a batch: commands after it
/// are refused.
fn take_batch(
    first: WriterCommand,
    queue: &mut mpsc::UnboundedReceiver<WriterCommand>,
) -> Vec<WriterCommand> {
    let mut bytes = first.payload_bytes();
    let mut batch = vec![first];
    while bytes < MAX_BATCH_BYTES && !matches!(batch.last(), Some(WriterCommand::Close { .. })) {
        let Ok(next) = queue.try_recv() else { break };
        bytes += next.payload_bytes();
        batch.push(next);
    }
    batch
}
