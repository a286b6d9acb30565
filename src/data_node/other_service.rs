//! Recognises what answers instead of a data node: ports are easily mixed up.

use super::OtherService;
use crate::wire::frames::BANNER;

/// The first bytes with which a TLS server answers anything else.
const TLS_ALERT: &[u8] = &[0x15, 0x03];

/// Judges by the first bytes of an answer, as many as came.
pub(super) fn recognise(first: &[u8]) -> Option<OtherService> {
    let is = |known: &[u8]| {
        !first.is_empty() && first.starts_with(&known[..known.len().min(first.len())])
    };
    if is(b"HTTP/") {
        Some(OtherService::Http)
    } else if is(BANNER) {
        Some(OtherService::RaftPort)
    } else if first.starts_with(TLS_ALERT) {
        Some(OtherService::Tls)
    } else {
        None
    }
}
