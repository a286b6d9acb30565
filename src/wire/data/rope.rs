//! A body in parts. Parts that did not change since the last body are shared with it, plain and
//! compressed.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::gzip::{self, Deflated};

/// Consecutive parts of a body. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rope(pub(super) Vec<Part>);

/// Part of a body. It is encoded once, and compressed at most once, when it is first needed so.
#[derive(Clone, Debug)]
pub(super) struct Part {
    plain: Bytes,
    deflated: Arc<OnceLock<Deflated>>,
}

impl Rope {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| part.plain.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|part| part.plain.is_empty())
    }

    pub fn plain(&self) -> Vec<Bytes> {
        self.0.iter().map(|part| part.plain.clone()).collect()
    }

    /// Returns the body as one gzip stream. Parts that were compressed for an older body are not
    /// compressed again.
    pub fn gzip(&self) -> Vec<Bytes> {
        gzip::stream(self.0.iter().map(Part::deflated))
    }

    /// Returns the body as one piece.
    pub fn to_bytes(&self) -> Bytes {
        match self.0.as_slice() {
            [one] => one.plain.clone(),
            parts => parts
                .iter()
                .flat_map(|part| part.plain.iter().copied())
                .collect(),
        }
    }
}

impl Part {
    pub(super) fn new(plain: impl Into<Bytes>) -> Self {
        Self {
            plain: plain.into(),
            deflated: Arc::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len()
    }

    fn deflated(&self) -> &Deflated {
        self.deflated.get_or_init(|| Deflated::of(&self.plain))
    }
}

/// Builder of a rope. It merges small parts, and keeps large shared parts separate.
#[derive(Default)]
pub(super) struct RopeBuilder {
    done: Vec<Part>,
    open: Vec<u8>,
}

/// Minimum length of a part that is shared instead of copied.
pub(super) const MIN_SHARED_BYTES: usize = 4 << 10;

impl RopeBuilder {
    /// Returns the buffer for small content.
    pub(super) fn open(&mut self) -> &mut Vec<u8> {
        &mut self.open
    }

    pub(super) fn push(&mut self, part: &Part) {
        if part.len() < MIN_SHARED_BYTES {
            self.open.extend_from_slice(&part.plain);
        } else {
            self.cut();
            self.done.push(part.clone());
        }
    }

    pub(super) fn extend(&mut self, parts: &[Part]) {
        parts.iter().for_each(|part| self.push(part));
    }

    /// Appends parts unchanged: small ones are not merged, so that they stay shared.
    pub(super) fn append(&mut self, parts: &[Part]) {
        self.cut();
        self.done.extend_from_slice(parts);
    }

    pub(super) fn finish(mut self) -> Vec<Part> {
        self.cut();
        self.done
    }

    fn cut(&mut self) {
        if !self.open.is_empty() {
            self.done.push(Part::new(std::mem::take(&mut self.open)));
        }
    }
}

/// Returns the length of parts, in bytes.
pub(super) fn total(parts: &[Part]) -> usize {
    parts.iter().map(Part::len).sum()
}
