//! Exit codes of `influxd-meta`, from sysexits.h where it has one. The manual has the same table.

/// Bad flag or unknown command.
pub const USAGE: u8 = 64;
/// The directory is another product's, newer than this version, or has lost its identity.
pub const DATA: u8 = 65;
/// A fault of the program itself.
pub const INTERNAL: u8 = 70;
/// The directory is in use by another process.
pub const LOCKED: u8 = 73;
/// A write or an fsync failed, or an address cannot be listened on.
pub const IO: u8 = 74;
/// `join-timeout` passed.
pub const NO_CLUSTER: u8 = 75;
/// Directory, secret or configuration not accessible to this uid.
pub const NO_PERMISSION: u8 = 77;
/// Invalid or contradictory configuration.
pub const CONFIG: u8 = 78;
