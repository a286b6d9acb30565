//! Tasks: who runs, what stopping means, and where blocking calls may be made.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;

use super::local::Within;

/// Spawns tasks and knows when to stop. Cheap to clone; clones share the stop.
///
/// A panic in any task ends the process (the hook in `app`); there is no task that dies unseen.
#[derive(Clone)]
pub struct Tasks {
    stop: CancellationToken,
    /// Simulations only: everything ever spawned here dies with it, as a process dies by SIGKILL.
    kill: Option<CancellationToken>,
}

impl Tasks {
    /// Workers and blocking calls get threads of their own.
    pub fn threads() -> Self {
        Self {
            stop: CancellationToken::new(),
            kill: None,
        }
    }

    /// Everything runs on the one thread of the caller's runtime: simulations. One for each
    /// simulated process.
    pub fn inline() -> Self {
        Self {
            stop: CancellationToken::new(),
            kill: Some(CancellationToken::new()),
        }
    }

    /// Simulations: SIGKILL. Nothing spawned here, in scopes, or by openraft for it, is polled
    /// again.
    pub fn kill(&self) {
        if let Some(kill) = &self.kill {
            kill.cancel();
        }
    }

    /// Simulations: runs a future as a part of this process, so that [`Tasks::kill`] ends it, too.
    /// `None` when it was killed.
    pub fn killable<F: Future + Send>(
        &self,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send + use<F>
    where
        F::Output: Send,
    {
        let (kill, tasks) = (self.kill.clone(), self.clone());
        async move {
            match kill {
                Some(kill) => {
                    let killed = Box::pin(kill.cancelled_owned());
                    Within {
                        tasks,
                        killed,
                        future: Some(Box::pin(future)),
                    }
                    .await
                }
                None => Some(future.await),
            }
        }
    }

    /// A scope whose stop does not stop its parent; the parent's stop stops it.
    pub fn scope(&self) -> Self {
        Self {
            stop: self.stop.child_token(),
            kill: self.kill.clone(),
        }
    }

    /// Runs until done, until the handle is dropped, or until this scope stops; it is then dropped
    /// at an await.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner that all others use"
    )]
    pub fn spawn<F>(&self, future: F) -> TaskHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let stop = self.stop.clone();
        let stoppable = async move { stop.run_until_cancelled(future).await };
        TaskHandle(match self.kill {
            Some(_) => {
                let killable = self.killable(stoppable);
                tokio::spawn(async move { killable.await.flatten() })
            }
            None => tokio::spawn(stoppable),
        })
    }

    /// Runs to its end whatever happens to the handle or the scope: for work that must not be cut
    /// in the middle.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner that all others use"
    )]
    pub fn detach<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(tokio::spawn(self.killable(future)));
    }

    /// A task that may block: it has a thread of its own (in simulations it shares the only one).
    /// It ends by itself, as a rule when its channel closes; nothing cuts it.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner that all others use"
    )]
    pub fn worker<F>(&self, name: &'static str, future: F) -> std::io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.kill.is_some() {
            drop(tokio::spawn(self.killable(future)));
            return Ok(());
        }
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(future))?;
        Ok(())
    }

    /// One blocking call, off the reactor.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the spawner that all others use"
    )]
    pub async fn blocking<T, F>(&self, call: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if self.kill.is_some() {
            return call();
        }
        match tokio::task::spawn_blocking(call).await {
            Ok(value) => value,
            // The hook has ended the process by then; tests without it see the panic here.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Asks every task of this scope to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Resolves when this scope is asked to stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}

/// A running task. Dropping it aborts the task.
pub struct TaskHandle<T>(tokio::task::JoinHandle<Option<T>>);

/// The task's value; `None` when it was stopped or aborted.
impl<T> Future for TaskHandle<T> {
    type Output = Option<T>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|done| done.ok().flatten())
    }
}

impl<T> Drop for TaskHandle<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
