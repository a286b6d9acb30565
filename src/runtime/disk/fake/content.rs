//! Content of a file in pages. A clone shares them, and pages of zeros take no memory.

use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE_BYTES: usize = 4096;
const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

#[derive(Clone, Default)]
pub(super) struct Content {
    len: u64,
    pages: BTreeMap<u64, Arc<[u8; PAGE_BYTES]>>,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        for (page, start, part) in split(offset, bytes.len()) {
            let bytes = &bytes[part];
            if *bytes == ZEROS[..bytes.len()] && !self.pages.contains_key(&page) {
                continue;
            }
            let content = self
                .pages
                .entry(page)
                .or_insert_with(|| Arc::new([0; PAGE_BYTES]));
            Arc::make_mut(content)[start..start + bytes.len()].copy_from_slice(bytes);
        }
        self.len = self.len.max(offset + bytes.len() as u64);
    }

    /// Fills the start of `buffer`. Returns the number of bytes read.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let there = self.len.saturating_sub(offset).min(buffer.len() as u64) as usize;
        for (page, start, part) in split(offset, there) {
            let to = &mut buffer[part];
            match self.pages.get(&page) {
                Some(content) => to.copy_from_slice(&content[start..start + to.len()]),
                None => to.fill(0),
            }
        }
        there
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            // The part that is cut off reads as zeros if the file grows again.
            let (page, start) = (len / PAGE_BYTES as u64, (len % PAGE_BYTES as u64) as usize);
            drop(self.pages.split_off(&(page + 1)));
            if let Some(content) = self.pages.get_mut(&page) {
                Arc::make_mut(content)[start..].fill(0);
            }
        }
        self.len = len;
    }
}

/// Pages that `len` bytes at `offset` touch: number of the page, offset in it, and the range of the
/// bytes.
fn split(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let start = (at % PAGE_BYTES as u64) as usize;
        let take = (PAGE_BYTES - start).min(len - done);
        let part = done..done + take;
        done += take;
        (take > 0).then_some((at / PAGE_BYTES as u64, start, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_across_pages_and_zeros_elsewhere() {
        let mut content = Content::default();
        content.write(4090, b"across the border");
        let mut buffer = [9; 30];
        assert_eq!(content.read(4088, &mut buffer), 19);
        assert_eq!(&buffer[..19], b"\0\0across the border");
        content.set_len(4093);
        content.set_len(5000);
        assert_eq!(content.read(4090, &mut buffer[..6]), 6);
        assert_eq!(&buffer[..6], b"acr\0\0\0");
    }
}
