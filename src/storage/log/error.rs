//! Errors of opening a log.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::{Incarnation, LogId};
use crate::storage::log::mirror::Hole;
use crate::wire::wal::{HeadError, RecordError};

/// Reasons why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The phase becomes `halted`. Nothing is repaired without the operator's knowledge.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A newer version wrote it: exit 65, as for every newer file of the directory.
    #[error("{path} has format {found}, this version reads up to {newest}: run the newer version")]
    Newer {
        path: PathBuf,
        found: u32,
        newest: u32,
    },
    #[error("{operation}: {source}")]
    Io {
        operation: LogOperation,
        source: io::Error,
    },
}

/// Operation that failed while a log was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOperation {
    StartWriter,
    File { verb: &'static str, path: PathBuf },
}

/// Place and cause of a damage. The text ends with advice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, byte {offset}: {cause}. {ADVICE}", .path.display())]
pub struct Damage {
    pub path: PathBuf,
    pub offset: usize,
    pub cause: DamageCause,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamageCause {
    #[error(transparent)]
    Head(HeadError),
    #[error("it belongs to incarnation {found}, this volume is {expected}")]
    OtherIncarnation {
        found: Incarnation,
        expected: Incarnation,
    },
    #[error("its head begins with record {first_seq}: it was renamed")]
    Renamed { first_seq: u64 },
    /// A later segment shows that everything before it was synced.
    #[error(
        "record {seq} is missing or bad ({stop}) although {} shows that it was durable",
        .later_segment.display()
    )]
    MissingBeforeSegment {
        seq: u64,
        stop: StopReason,
        later_segment: PathBuf,
    },
    /// A valid header behind the bad record shows that the bad one was synced.
    #[error(
        "record {seq} is bad ({stop}), and a later one shows that everything up to {durable_to} \
         was durable"
    )]
    BadDurableRecord {
        seq: u64,
        stop: StopReason,
        durable_to: u64,
    },
    #[error(transparent)]
    Unreadable(RecordError),
    #[error(transparent)]
    Hole(Hole),
    #[error("entries after {} and up to {upto} are in no segment", or_nothing(*.after))]
    LostEntries { after: Option<LogId>, upto: LogId },
    #[error(
        "purged up to {}, the newest valid snapshot ends at {}",
        or_nothing(*.purged),
        or_nothing(*.snapshot)
    )]
    PurgedBeyondSnapshot {
        purged: Option<LogId>,
        snapshot: Option<LogId>,
    },
    /// The reserve shows that there was a log.
    #[error("no segment, although records up to {durable_to} were durable")]
    NoSegment { durable_to: u64 },
}

/// Reasons why a replay stopped reading a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    #[error("no valid header")]
    NoHeader,
    #[error("not the next record")]
    OtherSeq,
    #[error("a record from before an earlier recovery")]
    EarlierEpoch,
    #[error("longer than its segment")]
    TooLong,
    #[error("its payload does not match its checksum")]
    Checksum,
}

const ADVICE: &str = "This node cannot know any more what it has promised, so it takes no part; \
     the others go on. Restore a lost volume, or delete all volumes if no data matters";

impl LogError {
    pub(super) fn damaged(path: &Path, offset: usize, cause: DamageCause) -> Self {
        Self::Damaged(Damage {
            path: path.to_owned(),
            offset,
            cause,
        })
    }

    /// Returns a function that turns an error of the disk into a `LogError`.
    pub(super) fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            operation: LogOperation::File { verb, path },
            source,
        }
    }
}

impl fmt::Display for LogOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartWriter => f.write_str("start the log's writer"),
            Self::File { verb, path } => write!(f, "{verb} {}", path.display()),
        }
    }
}

fn or_nothing(id: Option<LogId>) -> String {
    id.map_or_else(|| "nothing".to_owned(), |id| id.to_string())
}
