//! Callers without a proof, with an old one, and browsers.
