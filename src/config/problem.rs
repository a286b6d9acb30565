//! What is wrong with a configuration, each said so that it can be put right.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(String),
    /// In words already.
    Named(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag -{name}"),
            Self::Named(text) => f.write_str(text),
        }
    }
}

/// One thing that stops the start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{from}: {key} = {value} {why}; allowed: {allowed}")]
    Value {
        from: String,
        key: String,
        value: String,
        why: String,
        allowed: String,
    },
    #[error(
        "{from}: {key} = {value} asks for a protection that this version cannot give: {why}. Start it with {without}, or wait for a version that can"
    )]
    NotBuilt {
        from: String,
        key: String,
        value: String,
        why: &'static str,
        without: &'static str,
    },
    #[error("{path}: {why}", path = path.display())]
    Syntax { path: PathBuf, why: String },
    #[error("{what} {path}, named by {named_by}, does not exist", path = path.display())]
    Missing {
        what: &'static str,
        path: PathBuf,
        named_by: Source,
    },
    /// Not the content but the right to read it: alone, it makes the exit code 77.
    #[error("{what} {path} cannot be read: {why}", path = path.display())]
    Unreadable {
        what: &'static str,
        path: PathBuf,
        why: String,
    },
    #[error("{0}")]
    Contradiction(String),
}

impl Problem {
    /// The file that could not be read, if that is the problem.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Syntax { path, .. }
            | Self::Missing { path, .. }
            | Self::Unreadable { path, .. } => Some(path),
            Self::Value { .. } | Self::NotBuilt { .. } | Self::Contradiction(_) => None,
        }
    }
}

/// Something that does not stop the start, said once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// For logs: `config.no-effect`, `config.unknown`, …
    pub event: &'static str,
    pub text: String,
}

/// All that is wrong at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub problems: Vec<Problem>,
    pub notices: Vec<Notice>,
}

impl Invalid {
    /// 77 when nothing but permissions are in the way, else 78.
    pub fn exit_code(&self) -> u8 {
        let denied = self
            .problems
            .iter()
            .all(|problem| matches!(problem, Problem::Unreadable { .. }));
        if denied {
            super::exit::NO_PERMISSION
        } else {
            super::exit::CONFIG
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
