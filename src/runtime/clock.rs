//! Wall time. It is used for stamps of proposals and for display; no safety depends on it.

use crate::base::UnixNanos;

/// Wall time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> UnixNanos;
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the handle that all others use"
    )]
    fn now(&self) -> UnixNanos {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // Before 1970 or after 2262 the stamp is wrong, which does no harm: the state machine keeps
        // it monotonic.
        UnixNanos(since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)))
    }
}
