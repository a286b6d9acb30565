//! Deadline of an answer, from the time for which the caller says that it waits.

use std::time::Duration;

use axum::http::request::Parts;
use hyper::HeaderMap;
use tokio::time::Instant;

use super::request_context::RequestContext;
use crate::wire::headers;

/// Minimum of the time that is kept for the way of the answer.
const MIN_RESERVE: Duration = Duration::from_millis(20);
/// Maximum of the time that is kept for the way of the answer.
const MAX_RESERVE: Duration = Duration::from_secs(1);
/// Longest wait that is read from a header: above every limit of a route.
const MAX_TIMEOUT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Returns the time by which a request that has just arrived must be answered: a tenth of the
/// caller's timeout is kept for the way. `None` if the caller sent no [`headers::TIMEOUT`], or one
/// that is no number.
pub(super) fn of_caller(head: &HeaderMap) -> Option<Instant> {
    let text = head.get(headers::TIMEOUT)?.to_str().ok()?;
    let timeout = Duration::from_millis(text.parse().ok()?).min(MAX_TIMEOUT);
    let reserve = (timeout / 10).clamp(MIN_RESERVE, MAX_RESERVE);
    Some(Instant::now() + timeout.saturating_sub(reserve))
}

/// Returns the deadline of a request: `limit`, or the caller's if that is earlier.
pub(super) fn at_most(limit: Instant, parts: &Parts) -> Instant {
    let context = parts.extensions.get::<RequestContext>();
    let given = context.and_then(|context| context.answer_deadline);
    given.map_or(limit, |given| given.min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_of_the_timeout_is_kept_for_the_answer() {
        let millis = Duration::from_millis;
        for (text, want) in [
            ("10000", Some(millis(9000))),
            ("9000", Some(millis(8100))),
            ("60000", Some(millis(59_000))),
            ("100", Some(millis(80))),
            ("10", Some(Duration::ZERO)),
            ("18446744073709551615", Some(MAX_TIMEOUT - MAX_RESERVE)),
            ("10s", None),
            ("-1", None),
            ("", None),
        ] {
            let mut head = HeaderMap::new();
            head.insert(headers::TIMEOUT, text.parse().expect("a value"));
            let want = want.map(|wait| Instant::now() + wait);
            assert_eq!(of_caller(&head), want, "{text:?}");
        }
        assert_eq!(of_caller(&HeaderMap::new()), None);
    }
}
