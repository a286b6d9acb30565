//! The only global: a thread-local for openraft's runtime trait, whose functions are static.
//!
//! Owns: where those functions draw randomness from and whose tasks they spawn. Never: anything
//! that can be passed down in an `Env` instead. Untouched, it is the real world; a simulation seeds
//! its one thread.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{Rng, SystemRng, Tasks};

#[derive(Default)]
struct Local {
    rng: Option<Arc<dyn Rng>>,
    tasks: Option<Tasks>,
}

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::default();
}

/// From here on this thread's randomness comes from `rng`: simulations, before anything else.
pub fn seed(rng: Arc<dyn Rng>) {
    LOCAL.with_borrow_mut(|local| local.rng = Some(rng));
}

/// This thread's randomness.
pub fn rng() -> Arc<dyn Rng> {
    LOCAL
        .with_borrow(|local| local.rng.clone())
        .unwrap_or_else(|| Arc::new(SystemRng))
}

/// Spawns for a caller that has no [`Tasks`] at hand: into the simulated node whose task runs now,
/// if any. Dropping the handle lets the task run on.
#[expect(
    clippy::disallowed_methods,
    reason = "openraft's tasks: they end when its node is shut down"
)]
pub fn spawn<F>(future: F) -> LocalHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    LocalHandle(match LOCAL.with_borrow(|local| local.tasks.clone()) {
        Some(tasks) => tokio::spawn(tasks.killable(future)),
        None => tokio::spawn(async move { Some(future.await) }),
    })
}

/// A task spawned by [`spawn`].
pub struct LocalHandle<T>(tokio::task::JoinHandle<Option<T>>);

/// Why a task has no value.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("the task panicked or was dropped: {0}")]
    Join(#[from] tokio::task::JoinError),
    #[error("the simulated process was killed")]
    Killed,
}

impl<T> Future for LocalHandle<T> {
    type Output = Result<T, LocalError>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|done| done?.ok_or(LocalError::Killed))
    }
}

/// Polls a future as part of `tasks`: what it spawns through [`spawn`] dies with them, and so does
/// it.
pub(super) struct Within<F> {
    pub(super) tasks: Tasks,
    pub(super) killed: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Dropped when killed.
    pub(super) future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Within<F> {
    type Output = Option<F::Output>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // First: a killed process runs not one instruction more.
        if self.killed.as_mut().poll(cx).is_ready() {
            self.future = None;
            return Poll::Ready(None);
        }
        let outer = swap(Some(self.tasks.clone()));
        let polled = self
            .future
            .as_mut()
            .map_or(Poll::Pending, |future| future.as_mut().poll(cx));
        swap(outer);
        polled.map(Some)
    }
}

fn swap(tasks: Option<Tasks>) -> Option<Tasks> {
    LOCAL.with_borrow_mut(|local| std::mem::replace(&mut local.tasks, tasks))
}
