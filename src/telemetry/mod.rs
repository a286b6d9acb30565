//! Logs and metrics: the output of a node for operators and scrapers.
//!
//! Owns: counters and their text form; the form and the destination of log lines. Never: business
//! rules.

pub mod logging;
pub mod metrics;
