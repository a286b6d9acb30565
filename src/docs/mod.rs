//! The manual, compiled with the code so that its links and tables are checked.

#![doc = include_str!("overview.md")]

#[doc = include_str!("configuration.md")]
pub mod configuration {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("founding.md")]
pub mod founding {}
