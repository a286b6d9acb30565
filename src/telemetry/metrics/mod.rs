//! Counters and histograms, and the text that `/metrics` answers.
//!
//! Owns: numbers that grow ([`Metrics`]) and their exposition ([`render`]). Never: asking anyone
//! for a number; what a scrape wants to know besides comes in [`Gauges`] that the caller fills.
//! Invariant: counting is a few atomic additions, without a lock and without an allocation.

mod counters;
mod exposition;
mod histogram;
mod requests;

pub use counters::{Counter, Inside, Level, Metrics};
pub use exposition::{Gauges, RaftGauges, render};
pub use histogram::HistogramCounts;
pub use requests::Requests;
