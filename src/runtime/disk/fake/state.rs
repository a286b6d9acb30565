//! State of the fake disk: what programs see, what is durable, and the changes in between.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::content::Content;

/// Size of a sector. A sector is written whole or not at all; a longer write may tear between two
/// sectors.
const SECTOR_BYTES: u64 = 512;

pub(super) type FileId = u64;

/// A change as a program asked for it, with everything needed to repeat it on another disk.
#[derive(Clone, Debug)]
pub struct Op {
    pub path: PathBuf,
    pub kind: OpKind,
    pub(super) file: FileId,
}

#[derive(Clone, Debug)]
pub enum OpKind {
    CreateDir,
    Create,
    Write { offset: u64, bytes: Bytes },
    SetLen { len: u64 },
    Sync,
    Rename { to: PathBuf },
    Remove,
    SyncDir,
    Lock,
}

#[derive(Clone, Default)]
pub(super) struct State {
    files: BTreeMap<FileId, Inode>,
    next_file: FileId,
    seen: Tree,
    durable: Tree,
    /// Changes of names that no `sync_dir` has made durable, oldest first.
    unsynced: Vec<NameChange>,
    pub(super) locks: BTreeSet<PathBuf>,
    pub(super) capacity: Option<u64>,
}

/// Content of a file as programs see it, and as the disk has it.
#[derive(Clone, Default)]
struct Inode {
    seen: Content,
    durable: Content,
    unsynced: Vec<Change>,
    /// Set by a failed sync. The kernel takes lost pages for clean: programs see them, and they are
    /// never written again.
    lost: bool,
}

#[derive(Clone)]
enum Change {
    Write { offset: u64, bytes: Bytes },
    SetLen { len: u64 },
}

#[derive(Clone, Default)]
struct Tree {
    folders: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, FileId>,
}

#[derive(Clone)]
enum NameChange {
    Folder(PathBuf),
    Link(PathBuf, FileId),
    Unlink(PathBuf),
    Rename {
        from: PathBuf,
        to: PathBuf,
        file: FileId,
    },
}

impl NameChange {
    fn is_in(&self, folder: &Path) -> bool {
        match self {
            Self::Folder(path) | Self::Link(path, _) | Self::Unlink(path) => {
                path.parent() == Some(folder)
            }
            Self::Rename { from, to, .. } => {
                [from, to].iter().any(|path| path.parent() == Some(folder))
            }
        }
    }
}

impl Tree {
    fn apply(&mut self, change: NameChange) {
        match change {
            NameChange::Folder(path) => drop(self.folders.insert(path)),
            NameChange::Link(path, file) => drop(self.files.insert(path, file)),
            NameChange::Unlink(path) => drop(self.files.remove(&path)),
            NameChange::Rename { from, to, file } => {
                self.files.remove(&from);
                self.files.insert(to, file);
            }
        }
    }
}

impl Inode {
    fn change(&mut self, change: Change) {
        apply(&mut self.seen, &change);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            apply(&mut self.durable, &change);
        }
    }

    fn lose(&mut self) {
        self.lost |= !self.unsynced.is_empty();
        self.unsynced.clear();
    }
}

fn apply(content: &mut Content, change: &Change) {
    match change {
        Change::Write { offset, bytes } => content.write(*offset, bytes),
        Change::SetLen { len } => content.set_len(*len),
    }
}

impl State {
    pub(super) fn file_at(&self, path: &Path) -> Option<FileId> {
        self.seen.files.get(path).copied()
    }

    pub(super) fn path_of(&self, file: FileId) -> PathBuf {
        let named = self.seen.files.iter().find(|(_, id)| **id == file);
        named.map(|(path, _)| path.clone()).unwrap_or_default()
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        self.seen.files.contains_key(path) || self.has_folder(path)
    }

    pub(super) fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        if !self.has_folder(folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let below = self.seen.files.keys().chain(&self.seen.folders);
        let below = below.filter(|path| path.parent() == Some(folder));
        let mut names: Vec<_> = below
            .filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned()))
            .collect();
        names.sort();
        Ok(names)
    }

    pub(super) fn content(&self, file: FileId) -> Option<&Content> {
        self.files.get(&file).map(|inode| &inode.seen)
    }

    pub(super) fn used(&self) -> u64 {
        self.seen
            .files
            .values()
            .filter_map(|file| self.content(*file))
            .map(Content::len)
            .sum()
    }

    /// Applies a change that a program asked for.
    pub(super) fn apply(&mut self, op: &Op) -> io::Result<()> {
        let path = op.path.clone();
        match &op.kind {
            OpKind::CreateDir => {
                let missing = path
                    .ancestors()
                    .filter(|p| !self.has_folder(p))
                    .map(Path::to_owned);
                let missing: Vec<_> = missing.collect();
                missing
                    .into_iter()
                    .rev()
                    .for_each(|path| self.change_name(NameChange::Folder(path)));
            }
            OpKind::Create => {
                self.need_parent(&path)?;
                self.next_file += 1;
                self.files.insert(self.next_file, Inode::default());
                self.change_name(NameChange::Link(path, self.next_file));
            }
            OpKind::Write { offset, bytes } => {
                self.need_room(op.file, offset + bytes.len() as u64)?;
                self.change(
                    op.file,
                    Change::Write {
                        offset: *offset,
                        bytes: bytes.clone(),
                    },
                );
            }
            OpKind::SetLen { len } => {
                self.need_room(op.file, *len)?;
                self.change(op.file, Change::SetLen { len: *len });
            }
            OpKind::Sync => {
                if let Some(inode) = self.files.get_mut(&op.file) {
                    inode.sync();
                }
            }
            OpKind::Rename { to } => {
                self.need_parent(to)?;
                let file = self.file_at(&path).ok_or(io::ErrorKind::NotFound)?;
                self.change_name(NameChange::Rename {
                    from: path,
                    to: to.clone(),
                    file,
                });
            }
            OpKind::Remove => {
                self.file_at(&path).ok_or(io::ErrorKind::NotFound)?;
                self.change_name(NameChange::Unlink(path));
            }
            OpKind::SyncDir => self.sync_names(&path)?,
            OpKind::Lock => {
                self.need_parent(&path)?;
                if !self.locks.insert(path) {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
            }
        }
        Ok(())
    }

    /// Fails a sync: the pages never reach the disk, and the next sync does not report it.
    pub(super) fn lose(&mut self, file: FileId) {
        if let Some(inode) = self.files.get_mut(&file) {
            inode.lose();
        }
    }

    /// Memory pressure: pages that a failed sync lost are read from the disk again, with their old
    /// content.
    pub(super) fn evict(&mut self) {
        for inode in self.files.values_mut().filter(|inode| inode.lost) {
            inode.seen = inode.durable.clone();
            inode
                .unsynced
                .iter()
                .for_each(|change| apply(&mut inode.seen, change));
            inode.lost = false;
        }
    }

    /// Keeps what is durable. `keep` decides for each other sector of each write, each change of
    /// length, and each change of a name.
    pub(super) fn lose_power(&mut self, mut keep: impl FnMut() -> bool) {
        for inode in self.files.values_mut() {
            for change in std::mem::take(&mut inode.unsynced) {
                lose_parts(&mut inode.durable, change, &mut keep);
            }
            inode.seen = inode.durable.clone();
            inode.lost = false;
        }
        for change in std::mem::take(&mut self.unsynced) {
            if keep() {
                self.durable.apply(change);
            }
        }
        self.drop_orphans();
        self.seen = self.durable.clone();
        self.locks.clear();
    }

    /// Flips one stored bit, as a failing disk does.
    pub(super) fn flip(&mut self, path: &Path, bit: u64) {
        let Some(inode) = self
            .seen
            .files
            .get(path)
            .and_then(|file| self.files.get_mut(file))
        else {
            return;
        };
        for content in [&mut inode.seen, &mut inode.durable] {
            let mut byte = [0];
            if content.read(bit / 8, &mut byte) == 1 {
                content.write(bit / 8, &[byte[0] ^ 1 << (bit % 8)]);
            }
        }
    }

    fn has_folder(&self, path: &Path) -> bool {
        path.parent().is_none() || path.as_os_str().is_empty() || self.seen.folders.contains(path)
    }

    fn need_parent(&self, path: &Path) -> io::Result<()> {
        let there = path.parent().is_none_or(|parent| self.has_folder(parent));
        if there {
            Ok(())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// Checks the capacity. Only growth needs room: overwriting in place does not.
    fn need_room(&self, file: FileId, end: u64) -> io::Result<()> {
        let len = self.content(file).map_or(0, Content::len);
        let full = self
            .capacity
            .is_some_and(|all| end > len && self.used() + (end - len) > all);
        if full {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    /// Applies a change to an open file. If the file was unlinked, the change is never seen.
    fn change(&mut self, file: FileId, change: Change) {
        if let Some(inode) = self.files.get_mut(&file) {
            inode.change(change);
        }
    }

    fn change_name(&mut self, change: NameChange) {
        self.seen.apply(change.clone());
        self.unsynced.push(change);
    }

    fn sync_names(&mut self, folder: &Path) -> io::Result<()> {
        if !self.has_folder(folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        for change in std::mem::take(&mut self.unsynced) {
            match change.is_in(folder) {
                true => self.durable.apply(change),
                false => self.unsynced.push(change),
            }
        }
        self.forget_unnamed();
        Ok(())
    }

    /// Removes files that have no name, neither now nor after a crash.
    fn forget_unnamed(&mut self) {
        let mut named: BTreeSet<FileId> = self
            .seen
            .files
            .values()
            .chain(self.durable.files.values())
            .copied()
            .collect();
        named.extend(self.unsynced.iter().filter_map(|change| match change {
            NameChange::Link(_, file) | NameChange::Rename { file, .. } => Some(*file),
            NameChange::Folder(_) | NameChange::Unlink(_) => None,
        }));
        self.files.retain(|file, _| named.contains(file));
    }

    /// Removes what was in a folder that was lost.
    fn drop_orphans(&mut self) {
        let folders = self.durable.folders.clone();
        let whole = |path: &Path| {
            let mut above = path
                .ancestors()
                .skip(1)
                .filter(|p| p.parent().is_some() && !p.as_os_str().is_empty());
            above.all(|folder| folders.contains(folder))
        };
        self.durable.folders.retain(|path| whole(path));
        self.durable.files.retain(|path, _| whole(path));
    }
}

fn lose_parts(content: &mut Content, change: Change, keep: &mut impl FnMut() -> bool) {
    let (offset, bytes) = match change {
        Change::SetLen { len } => {
            if keep() {
                content.set_len(len);
            }
            return;
        }
        Change::Write { offset, bytes } => (offset, bytes),
    };
    let mut at = offset;
    let end = offset + bytes.len() as u64;
    while at < end {
        let next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
        let to = next.min(end);
        if keep() {
            content.write(at, &bytes[(at - offset) as usize..(to - offset) as usize]);
        }
        at = to;
    }
}
