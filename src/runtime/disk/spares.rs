//! Descriptors that the disk keeps for itself: when the process has no other left, the log,
//! snapshots and identity still open their files.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use crate::runtime::lock;

/// Number of descriptors kept. The log needs three files at once and a folder, a snapshot and the
/// identity one file and a folder each.
const MAX_SPARES: usize = 12;

/// Number of attempts with a spare. Another thread may take the descriptor that was given up.
const MAX_ATTEMPTS: usize = 64;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Spares(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// `/dev/null`: what a spare descriptor refers to.
    null: Option<File>,
    spares: Mutex<Vec<OwnedFd>>,
}

impl Spares {
    /// Takes the spares. Fewer if the process has few descriptors.
    #[expect(
        clippy::disallowed_methods,
        reason = "a part of the disk that all others use"
    )]
    pub(super) fn take() -> Self {
        let Ok(null) = File::open("/dev/null") else {
            return Self::default();
        };
        let spares = std::iter::repeat_with(|| null.try_clone().map(OwnedFd::from));
        let spares = spares.take(MAX_SPARES).map_while(Result::ok).collect();
        Self(Arc::new(Inner {
            null: Some(null),
            spares: Mutex::new(spares),
        }))
    }

    /// Calls `open`, again with the descriptor of a spare while the process has no other.
    pub(super) fn open<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let mut result = open();
        for _ in 0..MAX_ATTEMPTS {
            if !result.as_ref().is_err_and(is_exhausted) {
                break;
            }
            let Some(spare) = lock(&self.0.spares).pop() else {
                break;
            };
            drop(spare);
            result = open();
            if result.as_ref().is_err_and(is_exhausted) {
                self.refill();
            }
        }
        result
    }

    /// Closes a file. Its descriptor becomes a spare if one is missing.
    pub(super) fn close(&self, file: impl Into<OwnedFd>) {
        let mut spares = lock(&self.0.spares);
        let Some(null) = self.0.null.as_ref().filter(|_| spares.len() < MAX_SPARES) else {
            return;
        };
        let mut descriptor: OwnedFd = file.into();
        // Closes the file and keeps its number, in one step: no other thread can take it.
        if rustix::io::dup2(null, &mut descriptor).is_ok() {
            spares.push(descriptor);
        }
    }

    fn refill(&self) {
        let Some(null) = &self.0.null else { return };
        let mut spares = lock(&self.0.spares);
        if spares.len() < MAX_SPARES {
            spares.extend(null.try_clone().ok().map(OwnedFd::from));
        }
    }
}

/// Returns whether the process, or the whole system, has no descriptor left.
fn is_exhausted(error: &io::Error) -> bool {
    let number = error
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error);
    matches!(
        number,
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    )
}
