//! The manual, compiled with the code so that its links and tables are checked.

#![doc = include_str!("overview.md")]

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("auth.md")]
pub mod auth {}

#[doc = include_str!("clients.md")]
pub mod clients {}

#[doc = include_str!("commands.md")]
pub mod commands {}

#[doc = include_str!("configuration.md")]
pub mod configuration {}

#[doc = include_str!("data_nodes.md")]
pub mod data_nodes {}

#[doc = include_str!("decisions.md")]
pub mod decisions {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("founding.md")]
pub mod founding {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}

#[doc = include_str!("http.md")]
pub mod http {}

#[doc = include_str!("membership.md")]
pub mod membership {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("storage.md")]
pub mod storage {}

#[doc = include_str!("transport.md")]
pub mod transport {}

#[doc = include_str!("wire.md")]
pub mod wire {}

#[doc = include_str!("write_path.md")]
pub mod write_path {}
