//! Evidence of what is durable, from all valid headers together.

use crate::wire::wal::{ALIGN, HEADER_LEN, Head, Header};

/// Step over zeros: most of a segment is zeros, and comparing slices is the fastest way to skip
/// them.
const SCAN_STEP_BYTES: usize = 4096;
const ZEROS: [u8; SCAN_STEP_BYTES] = [0; SCAN_STEP_BYTES];

#[derive(Default)]
pub(super) struct Evidence {
    /// Highest sequence number up to which everything was synced.
    pub(super) durable_to: u64,
    pub(super) epoch: u64,
}

impl Evidence {
    pub(super) fn add_head(&mut self, head: &Head) {
        // A segment is begun only when everything before it is synced.
        self.add(head.first_seq.saturating_sub(1), head.epoch);
    }

    pub(super) fn add(&mut self, durable_to: u64, epoch: u64) {
        self.durable_to = self.durable_to.max(durable_to);
        self.epoch = self.epoch.max(epoch);
    }

    /// Searches every offset where a header may be: the length in a bad record cannot be used to
    /// find the next.
    pub(super) fn scan(&mut self, bytes: &[u8], from: usize, salt: u64) {
        let mut at = from.next_multiple_of(ALIGN);
        while at + HEADER_LEN <= bytes.len() {
            if at.is_multiple_of(SCAN_STEP_BYTES)
                && bytes[at..].len() >= SCAN_STEP_BYTES
                && bytes[at..at + SCAN_STEP_BYTES] == ZEROS
            {
                at += SCAN_STEP_BYTES;
                continue;
            }
            if let Some(header) = Header::decode(&bytes[at..], salt) {
                self.add(header.durable_to, header.epoch);
            }
            at += ALIGN;
        }
    }
}

/// Length without the zeros at the end.
pub(super) fn len_without_zeros(mut bytes: &[u8]) -> usize {
    while let Some((rest, last)) = bytes.split_last_chunk::<SCAN_STEP_BYTES>()
        && *last == ZEROS
    {
        bytes = rest;
    }
    bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1)
}
