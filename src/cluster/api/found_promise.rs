//! The promise not to found a cluster (founding.md 8.1), shared by the requests to this node.

use std::sync::Mutex;

use tokio::time::Instant;

use crate::base::Incarnation;
use crate::cluster::founding::{FoundPromise, PromiseRefusal, Question};
use crate::runtime::lock;

/// The present promise of this node, or its own attempt to found.
#[derive(Debug)]
pub(super) struct FoundPromises {
    promise: Mutex<FoundPromise>,
    /// Start of this node.
    began: Instant,
}

impl FoundPromises {
    pub(super) fn new() -> Self {
        Self {
            promise: Mutex::default(),
            began: Instant::now(),
        }
    }

    /// Begins an attempt to found, which ends when the guard is dropped.
    ///
    /// # Errors
    /// Those of [`FoundPromise::ask`].
    pub(super) fn ask(&self, me: Incarnation) -> Result<FoundingGuard<'_>, PromiseRefusal> {
        let question = lock(&self.promise).ask(self.began.elapsed(), me)?;
        Ok(FoundingGuard {
            promises: self,
            question,
        })
    }

    /// Promises the node `to` not to found.
    ///
    /// # Errors
    /// Those of [`FoundPromise::promise`].
    pub(super) fn promise(&self, me: Incarnation, to: Incarnation) -> Result<(), PromiseRefusal> {
        lock(&self.promise).promise(self.began.elapsed(), me, to)
    }
}

/// An attempt to found. Dropped without [`Self::found`], it is given up.
pub(super) struct FoundingGuard<'a> {
    promises: &'a FoundPromises,
    question: Question,
}

impl FoundingGuard<'_> {
    /// Called before the order to found is sent. Returns false if this node gave its promise to
    /// another one meanwhile: then it must not found.
    #[must_use]
    pub(super) fn found(self, me: Incarnation) -> bool {
        lock(&self.promises.promise).found(self.question, me)
    }
}

impl Drop for FoundingGuard<'_> {
    fn drop(&mut self) {
        lock(&self.promises.promise).end(self.question);
    }
}
