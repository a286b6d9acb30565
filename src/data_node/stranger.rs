//! Recognition of servers that answer instead of a data node: operators mix up ports.

use crate::wire::frames::BANNER;

/// First bytes of a TLS server's answer to anything else.
const TLS_ALERT: &[u8] = &[0x15, 0x03];

pub(super) const RAFT_PORT: &str =
    "that is 8089, the Raft port of a meta node; use the data node's 8088";

/// Text for the server that sent these first bytes of an answer, if it is recognised.
pub(super) fn who(first: &[u8]) -> Option<&'static str> {
    let is = |known: &[u8]| {
        !first.is_empty() && first.starts_with(&known[..known.len().min(first.len())])
    };
    if is(b"HTTP/") {
        Some(
            "it speaks HTTP there, not a data node's protocol: use the port of its bind-address, \
             8088",
        )
    } else if is(BANNER) {
        Some(RAFT_PORT)
    } else if first.starts_with(TLS_ALERT) {
        Some("it speaks TLS there: set data-use-tls")
    } else {
        None
    }
}
