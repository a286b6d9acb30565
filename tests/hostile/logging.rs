//! Readers of the log that stall or go away, and closed standard streams.
