//! A body in parts: those that did not change since the last one are shared with it, plain and
//! compressed.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::gzip::{self, Deflated};

/// Bytes one behind the other. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rope(pub(super) Vec<Part>);

/// A piece that is encoded once, and compressed once by the first who wants it so.
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

    /// As one stream; what was compressed for an older body is not compressed again.
    pub fn gzip(&self) -> Vec<Bytes> {
        gzip::stream(self.0.iter().map(Part::deflated))
    }

    /// In one piece.
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

/// Collects what is encoded: small pieces go together, large ones that are shared stay their own.
#[derive(Default)]
pub(super) struct RopeBuilder {
    done: Vec<Part>,
    open: Vec<u8>,
}

/// What is worth being handed on by reference.
pub(super) const MIN_SHARED_BYTES: usize = 4 << 10;

impl RopeBuilder {
    /// Where small things are written.
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

    /// As they are: small ones among them are kept apart, so that they are shared.
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
