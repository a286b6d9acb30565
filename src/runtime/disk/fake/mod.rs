//! A disk in memory, for tests and simulations.
//!
//! Writes go to a page cache. `sync` makes a file's content durable, `sync_dir` a folder's names.
//! The page cache survives a killed process. A power loss leaves what is durable and any part of
//! the rest, torn between sectors. After a failed sync the lost pages count as clean. Tests can add
//! faults, a full disk and flipped bits, and can replay the history of changes up to any point.

mod content;
mod state;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use self::content::Content;
use self::state::{FileId, State};
pub use self::state::{Op, OpKind};
use super::{Disk, File, Lock};
use crate::runtime::lock;

/// Decides whether a change fails.
type Fault = Box<dyn FnMut(&Op) -> Option<io::ErrorKind> + Send>;

/// The fake disk. Clones are the same disk; [`Fake::after_kill`] and [`Fake::after_power_loss`]
/// make another one.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    state: State,
    fault: Option<Fault>,
    history: Option<Vec<Op>>,
}

impl Fake {
    pub fn new() -> Self {
        Self::default()
    }

    /// Disk as the next process finds it if this one is killed now: with the page cache, without
    /// locks. This disk is unchanged, so that a test can try many ends of one run.
    pub fn after_kill(&self) -> Self {
        let mut state = self.inner().state.clone();
        state.locks.clear();
        Self::with(state)
    }

    /// Disk after a power loss now. `seed` chooses which un-synced changes survive.
    pub fn after_power_loss(&self, seed: u64) -> Self {
        let mut random = SplitMix(seed);
        // Runs of 1 to 4 changes survive or are lost together, so that neighbours share a fate
        // about as often as not.
        let (mut left, mut fate) = (0, false);
        self.after_power_loss_keeping(move || {
            if left == 0 {
                left = 1 + random.next() % 4;
                fate = random.next().is_multiple_of(2);
            }
            left -= 1;
            fate
        })
    }

    /// Disk after a power loss now. `keep` decides for each un-synced sector and each un-synced
    /// name.
    pub fn after_power_loss_keeping(&self, keep: impl FnMut() -> bool) -> Self {
        let mut state = self.inner().state.clone();
        state.lose_power(keep);
        Self::with(state)
    }

    /// Disks after a power loss now: with every subset of the un-synced parts if there are few, and
    /// otherwise with none of them, with all, and with `drawn` random subsets.
    pub fn power_losses(&self, drawn: u64) -> Vec<Self> {
        const MAX_PARTS_IN_FULL: u32 = 4;
        let mut parts = 0;
        drop(self.after_power_loss_keeping(|| {
            parts += 1;
            false
        }));
        if parts <= MAX_PARTS_IN_FULL {
            let subset = |mask: u32| {
                let mut part = 0;
                self.after_power_loss_keeping(move || {
                    part += 1;
                    mask >> (part - 1) & 1 == 1
                })
            };
            return (0..1 << parts).map(subset).collect();
        }
        let mut all = vec![
            self.after_power_loss_keeping(|| false),
            self.after_power_loss_keeping(|| true),
        ];
        all.extend((0..drawn).map(|seed| self.after_power_loss(seed)));
        all
    }

    /// Drops pages that failed syncs lost, as memory pressure does: programs no longer see them.
    pub fn evict(&self) {
        self.inner().state.evict();
    }

    /// Calls `fault` for each later change; it may make the change fail.
    pub fn fail_with(&self, fault: impl FnMut(&Op) -> Option<io::ErrorKind> + Send + 'static) {
        self.inner().fault = Some(Box::new(fault));
    }

    /// Ends the faults.
    pub fn heal(&self) {
        self.inner().fault = None;
    }

    /// Sets the maximum number of bytes of all files together. `None`: no bound.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.inner().state.capacity = capacity;
    }

    /// Bytes of all files together.
    pub fn used(&self) -> u64 {
        self.inner().state.used()
    }

    pub fn flip_bit(&self, path: &Path, bit: u64) {
        self.inner().state.flip(path, bit);
    }

    /// Records all later changes.
    pub fn record(&self) {
        self.inner().history = Some(Vec::new());
    }

    /// Number of changes recorded so far: the present position in the history.
    pub fn recorded(&self) -> usize {
        self.inner().history.as_ref().map_or(0, Vec::len)
    }

    pub fn history(&self) -> Vec<Op> {
        self.inner().history.clone().unwrap_or_default()
    }

    /// Repeats a recorded change. This disk must be in the state that the recording one had before
    /// it.
    pub fn replay(&self, op: &Op) -> io::Result<()> {
        self.inner().state.apply(op)
    }

    fn with(state: State) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            state,
            ..Inner::default()
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.0)
    }
}

impl Inner {
    fn change(&mut self, path: &Path, file: FileId, kind: OpKind) -> io::Result<()> {
        let op = Op {
            path: path.to_owned(),
            kind,
            file,
        };
        if let Some(kind) = self.fault.as_mut().and_then(|fault| fault(&op)) {
            if matches!(op.kind, OpKind::Sync) {
                self.state.lose(file);
            }
            return Err(kind.into());
        }
        self.state.apply(&op)?;
        if let Some(history) = self
            .history
            .as_mut()
            .filter(|_| !matches!(op.kind, OpKind::Lock))
        {
            history.push(op);
        }
        Ok(())
    }

    fn change_file(&mut self, file: FileId, kind: OpKind) -> io::Result<()> {
        let path = self.state.path_of(file);
        self.change(&path, file, kind)
    }
}

impl Disk for Fake {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn File>> {
        let mut inner = self.inner();
        if create && inner.state.file_at(path).is_none() {
            inner.change(path, 0, OpKind::Create)?;
        }
        let file = inner.state.file_at(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(OpenFile {
            disk: self.clone(),
            file,
        }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner().state.names(dir)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.inner().state.exists(path))
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.inner().change(dir, 0, OpKind::CreateDir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner()
            .change(from, 0, OpKind::Rename { to: to.to_owned() })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner().change(path, 0, OpKind::Remove)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner().change(dir, 0, OpKind::SyncDir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.inner().change(path, 0, OpKind::Lock)?;
        Ok(Box::new(HeldLock {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }

    fn size(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.inner().state.capacity.unwrap_or(u64::MAX))
    }

    fn available(&self, _dir: &Path) -> io::Result<u64> {
        let inner = self.inner();
        Ok(inner
            .state
            .capacity
            .map_or(u64::MAX, |all| all.saturating_sub(inner.state.used())))
    }
}

struct OpenFile {
    disk: Fake,
    file: FileId,
}

impl File for OpenFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self
            .disk
            .inner()
            .state
            .content(self.file)
            .map_or(0, Content::len))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self
            .disk
            .inner()
            .state
            .content(self.file)
            .map_or(0, |content| content.read(offset, buf)))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let bytes = Bytes::copy_from_slice(bytes);
        self.disk
            .inner()
            .change_file(self.file, OpKind::Write { offset, bytes })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk
            .inner()
            .change_file(self.file, OpKind::SetLen { len })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.inner().change_file(self.file, OpKind::Sync)
    }
}

/// Released when dropped, as the system does when a process dies.
struct HeldLock {
    disk: Fake,
    path: PathBuf,
}

impl Lock for HeldLock {}

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.disk.inner().state.locks.remove(&self.path);
    }
}

/// A small random generator of its own: the result must depend on nothing but the seed.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
