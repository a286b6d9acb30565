//! `X-Request-Id` and `Request-Id`: the caller's, or a version-1 UUID made here (wire.md 4.2).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;
use hyper::header::HeaderValue;

use crate::runtime::{Clock, Env};
use crate::wire::headers;

/// 100 ns steps from 1582-10-15 to 1970-01-01.
const GREGORIAN_EPOCH: u64 = 0x01B2_1DD2_1381_4000;

/// Makes ids without a system call for randomness: from the clock, increased where two ids would be
/// equal, and a random node.
pub(super) struct RequestIds {
    clock: Arc<dyn Clock>,
    node: [u8; 6],
    sequence: u16,
    last: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(env: &Env) -> Self {
        let mut node = [0; 6];
        env.rng.fill(&mut node);
        // RFC 9562: with the multicast bit the node is not the address of a network card.
        node[0] |= 1;
        let mut sequence = [0; 2];
        env.rng.fill(&mut sequence);
        Self {
            clock: env.clock.clone(),
            node,
            sequence: u16::from_le_bytes(sequence),
            last: AtomicU64::new(0),
        }
    }

    /// Returns the id of a request: the one that its head names, or a new one.
    pub(super) fn id_for(&self, request: &HeaderMap) -> HeaderValue {
        let given = |name: &str| request.get(name).filter(|value| !value.is_empty());
        given(headers::X_REQUEST_ID)
            .or_else(|| given(headers::REQUEST_ID))
            .cloned()
            .unwrap_or_else(|| self.next())
    }

    fn next(&self) -> HeaderValue {
        let now = u64::try_from(self.clock.now().0 / 100).unwrap_or(0) + GREGORIAN_EPOCH;
        let later = |last: u64| now.max(last + 1);
        let before = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(later(last))
            });
        let ticks = later(before.unwrap_or_default());
        let uuid =
            uuid::Builder::from_gregorian_timestamp(ticks, self.sequence, &self.node).into_uuid();
        let mut text = uuid::Uuid::encode_buffer();
        let text = uuid.hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ids_are_version_1_and_unique_even_within_one_tick() {
        let ids = RequestIds::new(&Env::real());
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            let id = ids.next();
            let uuid = uuid::Uuid::parse_str(id.to_str().expect("text")).expect("uuid");
            assert_eq!(uuid.get_version_num(), 1);
            assert!(seen.insert(uuid), "{uuid} twice");
        }
    }

    #[tokio::test]
    async fn the_callers_id_is_kept() {
        let ids = RequestIds::new(&Env::real());
        let mut headers = HeaderMap::new();
        headers.insert("request-id", HeaderValue::from_static("second"));
        assert_eq!(ids.id_for(&headers), "second");
        headers.insert("x-request-id", HeaderValue::from_static("first"));
        assert_eq!(ids.id_for(&headers), "first");
        headers.insert("x-request-id", HeaderValue::from_static(""));
        assert_eq!(ids.id_for(&headers), "second", "an empty one is none");
    }
}
