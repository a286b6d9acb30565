//! The one writer: drains the queue, writes, syncs once, acknowledges in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::DataDir;
use super::command::{Done, WriterCommand, copy};
use super::error::LogError;
use super::log_state::{LogState, closed};
use super::maintenance::{Chores, MaintenanceDone};
use super::recovery::Recovered;
use super::stream::Stream;
use crate::base::Incarnation;
use crate::runtime::Env;

/// Bounds how long the first of a batch waits for the bytes of the others.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Free bytes, in segments, below which proposals stop: one for the reserve after next, and as much
/// again for a snapshot, which is what makes room.
const MIN_FREE_SEGMENTS: u64 = 3;

/// How soon a sync is followed by a mark. At once would be two more writes for each commit of a
/// lone client; and under load the next batch is the mark.
const MARK_DELAY: Duration = Duration::from_millis(10);

/// Sizes that tests make small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Of each segment. 8 MiB: far above one proposal (4 MiB), and zeroed in tens of milliseconds.
    pub segment_bytes: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
        }
    }
}

pub(super) struct Writer {
    env: Env,
    /// Holds the lock for as long as anything may be written.
    dir: DataDir,
    config: LogConfig,
    /// For the chores to report to; weak, for the queue closes with the last `Log`.
    queue: mpsc::WeakUnboundedSender<WriterCommand>,
    shared: Arc<LogState>,
    stream: Stream,
    /// A round of chores is under way.
    busy: bool,
    /// The last one found no room for a reserve: the next try waits until somebody asks or
    /// something went.
    full: bool,
    asked: bool,
    /// The time for a mark has come, but there was something to write, which may be one.
    mark_due: bool,
    /// Those who wait for the end.
    closing: Vec<oneshot::Sender<()>>,
}

impl Writer {
    /// Over what recovery found, or a new log.
    pub(super) fn open(
        env: &Env,
        dir: &DataDir,
        incarnation: Incarnation,
        config: LogConfig,
        found: Option<Recovered>,
        queue: mpsc::WeakUnboundedSender<WriterCommand>,
    ) -> Result<Self, LogError> {
        let wal = dir.wal();
        let stream = Stream::open(env, wal.clone(), incarnation, config.segment_bytes, found);
        let stream = stream.map_err(LogError::io("begin to write in", &wal))?;
        let writer = Self {
            env: env.clone(),
            dir: dir.clone(),
            config,
            queue,
            shared: stream.shared().clone(),
            stream,
            busy: false,
            full: false,
            asked: false,
            mark_due: false,
            closing: Vec::new(),
        };
        let available = env
            .disk
            .available(&wal)
            .map_err(LogError::io("look at", &wal))?;
        writer.shared.set_room(available >= writer.margin());
        Ok(writer)
    }

    pub(super) fn shared(&self) -> &Arc<LogState> {
        &self.shared
    }

    /// Ends when the log is closed, or with the last `Log` once the queue is empty.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<WriterCommand>) {
        self.look_after();
        while let Some(first) = queue.recv().await {
            self.handle(drain(first, &mut queue));
            self.write_due_mark(&queue);
            // A round of chores still holds the directory.
            if !self.closing.is_empty() && !self.busy {
                break;
            }
        }
        queue.close();
        while let Ok(command) = queue.try_recv() {
            command.refuse(&closed());
        }
        // The last `Log` has gone: nobody comes who would send for one.
        self.mark_due = true;
        self.write_due_mark(&queue);
        let closing = std::mem::take(&mut self.closing);
        // Files and lock go before `close` returns.
        drop(self);
        for done in closing {
            // Whoever gave up waiting needs no answer.
            let _: Result<(), ()> = done.send(());
        }
    }

    fn handle(&mut self, batch: Vec<WriterCommand>) {
        let mut waiting: Vec<Done> = Vec::new();
        let bytes = batch.iter().map(WriterCommand::bytes).sum();
        let usable = self.shared.check();
        let refusing = usable.is_err();
        let mut result = usable;
        for command in batch {
            match command {
                WriterCommand::Write { records, done } => {
                    waiting.extend(done);
                    for record in records {
                        result = result.and_then(|()| self.stream.put(&record));
                    }
                }
                WriterCommand::CheckRoom => self.asked = true,
                WriterCommand::Chores(done) => result = result.and(self.end_chores(done)),
                WriterCommand::MarkSoon => self.mark_soon(),
                WriterCommand::Mark => self.mark_due = true,
                WriterCommand::Close { done } => self.closing.push(done),
            }
        }
        // Safety order: write → sync → acknowledge.
        let result = result.and_then(|()| self.write(!waiting.is_empty()));
        if !refusing {
            self.fail_on(&result);
        }
        self.shared.unqueue(bytes);
        for done in waiting {
            done(result.as_ref().map_err(copy).copied());
        }
        self.look_after();
    }

    fn write(&mut self, sync: bool) -> io::Result<()> {
        if sync {
            self.stream.sync()
        } else {
            self.stream.flush()
        }
    }

    /// What a batch leaves to be done, after everybody has been answered.
    fn look_after(&mut self) {
        if self.shared.check().is_err() {
            return;
        }
        if !self.closing.is_empty() {
            let marked = self.stream.mark_durably(true);
            self.fail_on(&marked);
            self.shared.close();
        } else if !self.busy && self.has_chores() {
            // Safety order: the record of the purge is durable before what it covers goes.
            let synced = if self.stream.has_unneeded() {
                self.stream.sync()
            } else {
                Ok(())
            };
            self.fail_on(&synced);
            self.start_chores();
        }
    }

    /// Sends for the mark that the last sync lacks, or writes the one that is due once nothing else
    /// is to be written.
    fn write_due_mark(&mut self, queue: &mpsc::UnboundedReceiver<WriterCommand>) {
        if self.shared.check().is_err() {
            return;
        }
        if self.mark_due {
            let mut mirror = self.shared.mirror();
            // What is queued has taken along what was saved before; what is saved now may be about
            // it.
            if !queue.is_empty() {
                return;
            }
            self.shared.end_mark();
            let saved = mirror.take_committed();
            drop(mirror);
            self.mark_due = false;
            let marked = self.stream.mark(saved);
            self.fail_on(&marked);
        } else if self.stream.lacks_mark() && self.shared.request_mark() {
            self.mark_soon();
        }
    }

    /// By a task: the end of the runtime cuts it, where a timer of the writer's own would panic.
    fn mark_soon(&self) {
        let queue = self.queue.clone();
        self.env.tasks.detach(async move {
            tokio::time::sleep(MARK_DELAY).await;
            if let Some(queue) = queue.upgrade() {
                drop(queue.send(WriterCommand::Mark));
            }
        });
    }

    fn has_chores(&self) -> bool {
        let reserve = !self.stream.has_reserve() && !self.full;
        self.asked || reserve || self.stream.has_unneeded()
    }

    /// The first error ends the log: what the kernel did with lost pages nobody can know.
    fn fail_on(&self, result: &io::Result<()>) {
        if let Err(error) = result {
            self.shared.fail(error);
        }
    }

    fn margin(&self) -> u64 {
        MIN_FREE_SEGMENTS * self.config.segment_bytes
    }

    /// One round at a time; its end looks for what came due meanwhile.
    fn start_chores(&mut self) {
        if self.shared.check().is_err() {
            return;
        }
        (self.busy, self.asked) = (true, false);
        let reserve = !self.stream.has_reserve();
        let maintenance = Chores {
            disk: self.env.disk.clone(),
            wal: self.dir.wal(),
            unlink: self.stream.take_unneeded(),
            reserve: reserve.then(|| (self.stream.reserve_head(), self.config.segment_bytes)),
        };
        let (tasks, queue, dir) = (self.env.tasks.clone(), self.queue.clone(), self.dir.clone());
        self.env.tasks.detach(async move {
            let done = tasks.blocking(move || maintenance.run()).await;
            // Before the report: a closed log has let go of its directory.
            drop(dir);
            if let Some(queue) = queue.upgrade() {
                drop(queue.send(WriterCommand::Chores(done)));
            }
        });
    }

    fn end_chores(&mut self, done: MaintenanceDone) -> io::Result<()> {
        self.busy = false;
        if let Some(reserve) = done.reserve? {
            self.stream.set_reserve(reserve);
        }
        self.full = !self.stream.has_reserve();
        self.shared
            .set_room(!self.full && done.available? >= self.margin());
        Ok(())
    }
}

/// What is there already, up to a bound. A close ends a batch: what comes behind it is refused.
fn drain(
    first: WriterCommand,
    queue: &mut mpsc::UnboundedReceiver<WriterCommand>,
) -> Vec<WriterCommand> {
    let mut bytes = first.bytes();
    let mut batch = vec![first];
    while bytes < MAX_BATCH_BYTES && !matches!(batch.last(), Some(WriterCommand::Close { .. })) {
        let Ok(next) = queue.try_recv() else { break };
        bytes += next.bytes();
        batch.push(next);
    }
    batch
}
