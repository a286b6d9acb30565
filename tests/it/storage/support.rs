//! One volume on a fake disk, one thread, small segments.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use influxdb_meta::base::{Incarnation, LogId, RaftId, UnixNanos};
use influxdb_meta::runtime::disk::Fake;
use influxdb_meta::runtime::{Clock, Env, Rng, Tasks};
use influxdb_meta::storage::{DataDir, Entry, EntryKind, Log, LogConfig, LogError, Vote};

pub(super) const DIR: &str = "/var/lib/influxdb/meta";
pub(super) const ME: Incarnation = Incarnation([1; 16]);
/// Room for a head and about a dozen small records.
pub(super) const SMALL: LogConfig = LogConfig {
    segment_bytes: 2048,
};

pub(super) struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(0)
    }
}

/// Seeded random source, used by one test only.
pub(super) struct Seeded(AtomicU64);

impl Rng for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let z = mix(self.0.fetch_add(1, Ordering::Relaxed));
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Random generator for a test's own choices.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 += 1;
        mix(self.0) % n
    }
}

pub(super) fn env(disk: &Fake) -> Env {
    Env {
        clock: Arc::new(NoClock),
        rng: Arc::new(Seeded(AtomicU64::new(7))),
        net: Arc::new(influxdb_meta::runtime::net::System::default()),
        disk: Arc::new(disk.clone()),
        tasks: Tasks::inline(),
    }
}

/// Runs a test's steps on one thread, the log's writer among them. Time passes only when all tasks
/// wait for it.
pub(super) fn run<T>(steps: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(steps)
}

/// An open volume: the locked directory, and the log.
pub(super) struct Volume {
    pub(super) dir: DataDir,
    pub(super) log: Log,
}

impl Volume {
    pub(super) fn open(disk: &Fake) -> Result<Self, LogError> {
        Self::open_at(disk, None)
    }

    /// Opens the volume with a snapshot that reaches up to `snapshot`.
    pub(super) fn open_at(disk: &Fake, snapshot: Option<LogId>) -> Result<Self, LogError> {
        Self::open_with(disk, snapshot, SMALL)
    }

    pub(super) fn open_with(
        disk: &Fake,
        snapshot: Option<LogId>,
        config: LogConfig,
    ) -> Result<Self, LogError> {
        let env = env(disk);
        let dir = open_dir(disk);
        let log = Log::open_with(&env, &dir, ME, snapshot, config)?;
        Ok(Self { dir, log })
    }

    pub(super) async fn append(&self, entries: Vec<Entry>) -> std::io::Result<()> {
        let (done, durable) = tokio::sync::oneshot::channel();
        self.log
            .append(entries, Box::new(move |result| drop(done.send(result))));
        durable.await.expect("each append is answered")
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.log.read(0..u64::MAX, usize::MAX)
    }

    pub(super) fn indexes(&self) -> Vec<u64> {
        self.entries()
            .iter()
            .map(|entry| entry.log_id.index)
            .collect()
    }
}

/// Opens the directory with an identity in it: a log without one is refused.
pub(super) fn open_dir(disk: &Fake) -> DataDir {
    let dir = DataDir::open(&env(disk), Path::new(DIR)).expect("the directory opens");
    if dir.load("identity").expect("readable").is_none() {
        dir.store("identity", b"me").expect("stored");
    }
    dir
}

pub(super) fn wal() -> PathBuf {
    Path::new(DIR).join("influxd-meta/wal")
}

pub(super) fn segments(disk: &Fake) -> Vec<String> {
    use influxdb_meta::runtime::Disk;
    let names = disk.list(&wal()).expect("wal/ is there");
    names.into_iter().filter(|name| name.len() == 16).collect()
}

/// Lets the writer and its maintenance run until they wait. Marks of what was synced are not
/// written yet.
pub(super) async fn work() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Lets the log go idle: all that it does by itself within 10 ms is done.
pub(super) async fn settle() {
    work().await;
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    work().await;
}

pub(super) fn id(term: u64, index: u64) -> LogId {
    LogId { term, index }
}

pub(super) fn entry(term: u64, index: u64) -> Entry {
    sized(term, index, 24)
}

/// Makes an entry of this size; the payload says which entry it is.
pub(super) fn sized(term: u64, index: u64, len: usize) -> Entry {
    let text = format!("entry {term}-{index} ");
    let payload: Bytes = text.bytes().cycle().take(len).collect();
    Entry {
        log_id: id(term, index),
        kind: EntryKind::Command,
        payload,
    }
}

pub(super) fn entries(term: u64, indexes: std::ops::Range<u64>) -> Vec<Entry> {
    indexes.map(|index| entry(term, index)).collect()
}

pub(super) fn vote(term: u64) -> Vote {
    Vote {
        term,
        node: RaftId(1),
        committed: true,
    }
}
