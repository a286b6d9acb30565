//! Counters and histograms, and the text of `/metrics`.
//!
//! Owns: numbers that grow ([`Metrics`]) and their exposition ([`render`]). Never: asking other
//! modules for a number; the caller passes all other values in [`Gauges`]. Invariant: counting
//! takes a few atomic additions, without a lock and without an allocation.

mod counters;
mod exposition;
mod histogram;
mod requests;

pub use counters::{Counter, Inside, Level, Metrics};
pub use exposition::{DiskGauges, Gauges, RaftGauges, render};
pub use histogram::HistogramCounts;
pub use requests::Requests;
