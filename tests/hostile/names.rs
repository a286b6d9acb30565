//! DNS servers that answer late, partly, or wrongly, and host names that change.

mod dns;
mod renamed;
