//! This volume's identity: the record on disk, and the founders that it names.

pub mod founders;
pub mod record;
