//! openraft's asynchronous runtime: tokio, with tasks and randomness of `runtime::local`.

use std::future::Future;
use std::io;
use std::time::Duration;

use openraft::AsyncRuntime;
use openraft_rt_tokio::{
    TokioInstant, TokioMpsc, TokioMutex, TokioOneshot, TokioRuntime, TokioWatch,
};

use crate::runtime::local::{self, LocalError, LocalHandle};

/// Spawns tasks and draws random numbers through `runtime::local`. Everything else is tokio's.
#[derive(Debug)]
pub(super) struct LocalRuntime(TokioRuntime);

/// Random numbers of this thread in openraft's interface. Used only for election timeouts.
pub(super) struct LocalRng;

impl rand::TryRng for LocalRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(local::rng().u64() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(local::rng().u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        local::rng().fill(bytes);
        Ok(())
    }
}

impl AsyncRuntime for LocalRuntime {
    type JoinError = LocalError;
    type JoinHandle<T: Send + 'static> = LocalHandle<T>;
    type Sleep = tokio::time::Sleep;
    type Instant = TokioInstant;
    type TimeoutError = tokio::time::error::Elapsed;
    type Timeout<R, T: Future<Output = R> + Send> = tokio::time::Timeout<T>;
    type ThreadLocalRng = LocalRng;
    type Mpsc = TokioMpsc;
    type Watch = TokioWatch;
    type Oneshot = TokioOneshot;
    type Mutex<T: Send + 'static> = TokioMutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        local::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        TokioRuntime::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        TokioRuntime::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + Send>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + Send>(
        deadline: TokioInstant,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout_at(deadline, future)
    }

    fn is_panic(error: &LocalError) -> bool {
        matches!(error, LocalError::Join(error) if error.is_panic())
    }

    fn thread_rng() -> LocalRng {
        LocalRng
    }

    fn new(threads: usize) -> Self {
        Self(TokioRuntime::new(threads))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.0.block_on(future)
    }

    /// Calls in place. openraft itself never blocks; a blocking call could only be from this
    /// program, and those go through `Tasks::blocking`.
    async fn spawn_blocking<F, T>(call: F) -> Result<T, io::Error>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Ok(call())
    }
}
