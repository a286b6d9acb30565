//! Tasks: spawning, stopping, and blocking calls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;

use super::local::killable;

/// Spawns tasks and knows when to stop. Cheap to clone; clones share the stop.
///
/// A panic in any task ends the process (the hook in `app`), so no task dies unnoticed.
#[derive(Clone)]
pub struct Tasks {
    stop: CancellationToken,
    /// Ends everything that was ever spawned here, as SIGKILL ends a process. Simulations only.
    kill: Option<CancellationToken>,
}

impl Tasks {
    /// Tasks of a real process: workers and blocking calls get threads of their own.
    pub fn threads() -> Self {
        Self {
            stop: CancellationToken::new(),
            kill: None,
        }
    }

    /// Tasks of one simulated process: everything runs on the one thread of the caller's runtime.
    pub fn inline() -> Self {
        Self {
            stop: CancellationToken::new(),
            kill: Some(CancellationToken::new()),
        }
    }

    /// SIGKILL, in simulations: nothing that was spawned here, in scopes, or by openraft for it, is
    /// polled again.
    pub fn kill(&self) {
        if let Some(kill) = &self.kill {
            kill.cancel();
        }
    }

    /// Runs a future as a part of this process, in simulations, so that [`Tasks::kill`] ends it,
    /// too. `None` if it was killed.
    pub fn killable<F: Future + Send>(
        &self,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send + use<F>
    where
        F::Output: Send,
    {
        killable(self.kill.clone(), future)
    }

    /// A scope whose stop does not stop its parent. The parent's stop stops it.
    pub fn scope(&self) -> Self {
        Self {
            stop: self.stop.child_token(),
            kill: self.kill.clone(),
        }
    }

    /// Runs a task until it is done, until the handle is dropped, or until this scope stops. In the
    /// last two cases it is dropped at an await.
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

    /// Runs a task to its end, whatever happens to the handle or the scope: for work that must not
    /// be interrupted.
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

    /// Runs a task that may block, on a thread of its own (in simulations on the only thread). It
    /// ends by itself, usually when its channel closes; nothing interrupts it.
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

    /// Makes one blocking call on another thread.
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
            // The hook has ended the process already. Tests without the hook see the panic here.
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

/// Runs `body` on a thread of its own, outside any async runtime: for what must work before there
/// is one, and after. Simulations do not use it.
///
/// # Errors
/// The system has no room for another thread.
pub fn spawn_thread(
    name: &'static str,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(body).map(drop)
}

/// A running task. Dropping the handle aborts the task.
pub struct TaskHandle<T>(tokio::task::JoinHandle<Option<T>>);

/// Value of the task; `None` if it was stopped or aborted.
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
