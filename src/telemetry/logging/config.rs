//! Configuration of the log: level and format.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// Section `[logging]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggingConfig {
    pub format: Format,
    pub level: Threshold,
    /// Print a few lines for operators at start if stderr is a terminal.
    pub banner: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `Console` on a terminal, else `Logfmt`.
    #[default]
    Auto,
    Logfmt,
    Json,
    Console,
}

/// Lowest level that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threshold {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no log format or level")]
pub struct UnknownWord(String);

impl FromStr for Format {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "auto" => Ok(Self::Auto),
            "logfmt" => Ok(Self::Logfmt),
            "json" => Ok(Self::Json),
            "console" => Ok(Self::Console),
            other => Err(UnknownWord(other.to_owned())),
        }
    }
}

impl FromStr for Threshold {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            other => Err(UnknownWord(other.to_owned())),
        }
    }
}

impl Threshold {
    pub(super) fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}
