//! Filled by its part.
