//! Sources of values.

use std::fmt;
use std::path::PathBuf;

/// The layer that a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    File(PathBuf),
    Variable(String),
    /// The variables `NAME_0`, `NAME_1`, …: one list element each.
    NumberedVariables(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::NumberedVariables(name) => {
                write!(f, "environment variable {name}_0 and following")
            }
            Self::Flag(name) => write!(f, "flag -{name}"),
        }
    }
}
