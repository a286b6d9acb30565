//! The only global: a thread-local for openraft's runtime trait, whose functions are static.
//!
//! Owns: the source of randomness of those functions, and the simulated process that their tasks
//! belong to. Never: anything that can be passed in an `Env` instead. Unless it is set, it is the
//! real world; a simulation sets it for its one thread.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{Rng, SystemRng};

#[derive(Default)]
struct Local {
    rng: Option<Arc<dyn Rng>>,
    /// Kill token of the simulated process whose task is being polled.
    kill: Option<CancellationToken>,
}

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::default();
}

/// Sets this thread's source of randomness. Simulations call it before anything else.
pub fn seed(rng: Arc<dyn Rng>) {
    LOCAL.with_borrow_mut(|local| local.rng = Some(rng));
}

/// This thread's source of randomness.
pub fn rng() -> Arc<dyn Rng> {
    LOCAL
        .with_borrow(|local| local.rng.clone())
        .unwrap_or_else(|| Arc::new(SystemRng))
}

/// Spawns a task for a caller that has no [`Tasks`](super::Tasks). If a task of a simulated node
/// runs now, the new task belongs to that node. Dropping the handle lets the task run on.
#[expect(
    clippy::disallowed_methods,
    reason = "openraft's tasks: they end when its node is shut down"
)]
pub fn spawn<F>(future: F) -> LocalHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let kill = LOCAL.with_borrow(|local| local.kill.clone());
    LocalHandle(tokio::spawn(killable(kill, future)))
}

/// A task spawned by [`spawn`].
pub struct LocalHandle<T>(tokio::task::JoinHandle<Option<T>>);

/// Reason why a task has no value.
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

/// Runs a future as a part of the simulated process with this kill token: the future, and
/// everything that it spawns through [`spawn`], ends when the token is cancelled. The result is
/// then `None`.
pub(super) async fn killable<F: Future + Send>(
    kill: Option<CancellationToken>,
    future: F,
) -> Option<F::Output> {
    let Some(kill) = kill else {
        return Some(future.await);
    };
    let within = Within {
        killed: Box::pin(kill.clone().cancelled_owned()),
        kill,
        future: Some(Box::pin(future)),
    };
    within.await
}

struct Within<F> {
    kill: CancellationToken,
    killed: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Dropped when killed.
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Within<F> {
    type Output = Option<F::Output>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Checked first: a killed process executes nothing more.
        if self.killed.as_mut().poll(cx).is_ready() {
            self.future = None;
            return Poll::Ready(None);
        }
        let outer = swap(Some(self.kill.clone()));
        let polled = self
            .future
            .as_mut()
            .map_or(Poll::Pending, |future| future.as_mut().poll(cx));
        swap(outer);
        polled.map(Some)
    }
}

fn swap(kill: Option<CancellationToken>) -> Option<CancellationToken> {
    LOCAL.with_borrow_mut(|local| std::mem::replace(&mut local.kill, kill))
}
