//! Frozen bytes of each format: written once, never edited, readable for ever.

mod entries;
