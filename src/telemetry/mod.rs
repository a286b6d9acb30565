//! Logs and metrics: what the node says about itself to people and to scrapers.
//!
//! Owns: counters and how they are written down; what log lines look like and where they go. Never:
//! business rules.

pub mod logging;
pub mod metrics;
