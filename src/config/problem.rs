//! Everything that can be wrong with a configuration, with texts that say how to correct it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::access::Access;
use super::exit;
use super::key::KeySpec;
use super::source::Source;
use super::value::ValueError;

/// A problem. Each stops the start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{from}: {key} = {value} {error}; allowed: {}", .key.kind.allowed())]
    Value {
        from: Source,
        key: &'static KeySpec,
        value: String,
        error: ValueError,
    },
    #[error(
        "{from}: {key} = {value} asks for a protection that this version cannot give: {why}. \
         Start it with {without}, or wait for a version that can"
    )]
    NotBuilt {
        from: Source,
        key: &'static KeySpec,
        value: String,
        why: &'static str,
        without: &'static str,
    },
    #[error("{path}: is no valid TOML: {error}", path = path.display())]
    Toml { path: PathBuf, error: String },
    #[error("{path}: {what} is not UTF-8 text", path = path.display())]
    NotText { what: &'static str, path: PathBuf },
    #[error("{path}: {what}: {error}", path = path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        error: String,
    },
    #[error("{what} {path}, named by {named_by}, does not exist", path = path.display())]
    Missing {
        what: &'static str,
        path: PathBuf,
        named_by: Source,
    },
    /// No permission to read. If there is no other problem, the exit code is 77.
    #[error(
        "{what} {path} cannot be read: {error}: {access}. \
         Fix: chown {uid} {path} && chmod 0400 {path} on the host \
         (compose keeps owner and mode of file secrets)",
        path = path.display(),
        uid = access.uid
    )]
    Unreadable {
        what: &'static str,
        path: PathBuf,
        error: String,
        access: Access,
    },
    #[error("{0} and {1} are both set: keep one of them")]
    BothVariables(String, String),
    #[error("{from}: the secret file {path} is empty", path = path.display())]
    EmptySecretFile { from: Source, path: PathBuf },
    #[error(
        "-single-server founds a cluster of one at once, but peers is set ({peers_from}): \
         keep one of them"
    )]
    SingleServerWithPeers { peers_from: Source },
    #[error(
        "{from}: bootstrap-expect = 0 means to join a cluster, but peers is empty: \
         list its nodes there"
    )]
    JoinWithoutPeers { from: Source },
    #[error(
        "{from}: bootstrap-expect = {expect} needs peers, the addresses of all {expect} founders; \
         without peers only 1 is allowed"
    )]
    ExpectWithoutPeers { from: Source, expect: u64 },
    #[error(
        "{from}: bootstrap-expect = {expect}, but peers names {peers} ({peers_from}): \
         allowed are {peers}, or 0 to join and never found"
    )]
    ExpectOtherThanPeers {
        from: Source,
        expect: u64,
        peers: usize,
        peers_from: Source,
    },
    #[error(
        "[meta] http-bind-address and bind-address have one port, {port}: they are two listeners"
    )]
    SamePort { port: u16 },
    #[error(
        "internal-shared-secret is blank and must be set in config when auth is enabled ({from}): \
         set INFLUXDB_META_INTERNAL_SHARED_SECRET to the same long text on all meta and data nodes"
    )]
    NoInternalSecret { from: Source },
    #[error(
        "{from}: [meta] {key} needs internal-shared-secret, which other meta nodes have to prove: set \
         INFLUXDB_META_INTERNAL_SHARED_SECRET to the same long text on all meta and data nodes"
    )]
    NothingToProve { from: Source, key: &'static str },
    #[error("[enterprise] license-key and license-path are both set: keep one of them")]
    BothLicences,
}

impl Problem {
    /// The file that could not be read, if that is the problem.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Toml { path, .. }
            | Self::NotText { path, .. }
            | Self::Io { path, .. }
            | Self::Missing { path, .. }
            | Self::Unreadable { path, .. } => Some(path),
            _ => None,
        }
    }
}

/// Something odd that does not stop the start. Reported once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Name of the log event: `config.no-effect`, `config.unknown`, …
    pub event: &'static str,
    pub text: String,
}

/// An invalid configuration, with all of its problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub problems: Vec<Problem>,
    pub notices: Vec<Notice>,
}

impl Invalid {
    /// 77 if every problem is a missing permission, else 78.
    pub fn exit_code(&self) -> u8 {
        let is_permission = |problem: &Problem| matches!(problem, Problem::Unreadable { .. });
        if self.problems.iter().all(is_permission) {
            exit::NO_PERMISSION
        } else {
            exit::CONFIG
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => writeln!(f, "the configuration has a problem:")?,
            n => writeln!(f, "the configuration has {n} problems:")?,
        }
        for problem in &self.problems {
            writeln!(f, "  - {problem}")?;
        }
        for notice in &self.notices {
            writeln!(f, "  (warning: {})", notice.text)?;
        }
        write!(
            f,
            "`influxd-meta config` prints every key with its value; `influxd-meta help` the flags."
        )
    }
}
