//! Failures that end the process, each with its exit code, which tells a service manager the kind
//! of failure.

use std::io;

use super::advice;
use crate::cluster::ClusterError;
use crate::config::exit;
use crate::runtime::signal::Stop;
use crate::storage::OpenDirError;
use crate::tls::TlsError;

/// Reason why a start or a run ended without being requested.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartFailure {
    #[error("the data directory: {0}")]
    Directory(#[from] OpenDirError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("cannot listen on {key} {bind}: {source}")]
    Listen {
        key: &'static str,
        bind: String,
        source: io::Error,
    },
    #[error("data-use-tls: {0}")]
    DataNodesTls(#[from] TlsError),
    #[error("{operation}: {source}")]
    System {
        operation: &'static str,
        source: io::Error,
    },
    /// A second signal, while the node was stopping.
    #[error("stopped at once by {}", .0.name())]
    SecondSignal(Stop),
}

impl StartFailure {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Directory(error) => directory(error),
            Self::Cluster(error) => cluster(error),
            Self::Listen { .. } => exit::IO,
            Self::DataNodesTls(error) => tls(error),
            Self::System { .. } => exit::INTERNAL,
            Self::SecondSignal(stop) => stop.exit_code(),
        }
    }

    /// Logs the failure and what to do about it.
    pub(super) fn log(&self) {
        let exit = self.exit_code();
        match self {
            Self::Directory(OpenDirError::Denied { path, source }) => {
                tracing::error!(
                    event = "stop.denied",
                    exit,
                    "{self}: {}",
                    advice::denied(path, source)
                );
            }
            Self::SecondSignal(_) => tracing::warn!(event = "stop.impatient", exit, "{self}"),
            _ => tracing::error!(event = "stop.failed", exit, "{self}{}", self.hint()),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            // Port 8091, or port 8089.
            Self::Listen { source, .. } | Self::Cluster(ClusterError::Io { source, .. })
                if source.kind() == io::ErrorKind::AddrInUse =>
            {
                ": another process listens there already"
            }
            Self::Listen { source, .. } | Self::Cluster(ClusterError::Io { source, .. })
                if source.kind() == io::ErrorKind::AddrNotAvailable =>
            {
                ": no interface of this host has that address"
            }
            Self::Directory(OpenDirError::Io { source, .. })
            | Self::Cluster(ClusterError::Io { source, .. })
                if source.kind() == io::ErrorKind::QuotaExceeded =>
            {
                ": the quota of this user or project on this volume is used up: raise it, or make \
                 room; nothing acknowledged is lost"
            }
            Self::Directory(OpenDirError::Io { source, .. })
            | Self::Cluster(ClusterError::Io { source, .. })
                if source.kind() == io::ErrorKind::StorageFull =>
            {
                ": make room on this volume and start again; nothing acknowledged is lost"
            }
            Self::Directory(OpenDirError::Io { source, .. }) if advice::has_no_locks(source) => {
                ": the file system of this directory has no file locks (NFS without its lock \
                 service, some network and shared folders): use a local disk or a volume, because \
                 two processes in one directory would destroy it"
            }
            Self::Directory(OpenDirError::Foreign { .. }) => {
                ": give this node a directory of its own ([meta] dir, INFLUXDB_META_DIR)"
            }
            Self::DataNodesTls(_) => ", or set data-insecure-tls, which accepts any certificate",
            _ => "",
        }
    }
}

fn directory(error: &OpenDirError) -> u8 {
    match error {
        OpenDirError::Foreign { .. } | OpenDirError::NoIdentity { .. } => exit::DATA,
        OpenDirError::Locked { .. } => exit::LOCKED,
        OpenDirError::Denied { .. } => exit::NO_PERMISSION,
        OpenDirError::Io { .. } | OpenDirError::TooSmall { .. } => exit::IO,
    }
}

fn tls(error: &TlsError) -> u8 {
    match error {
        TlsError::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            exit::NO_PERMISSION
        }
        TlsError::Read { .. } | TlsError::NoCertificate { .. } | TlsError::NoRoots { .. } => {
            exit::CONFIG
        }
        TlsError::Library(_) => exit::INTERNAL,
    }
}

fn cluster(error: &ClusterError) -> u8 {
    match error {
        ClusterError::BadIdentity(_)
        | ClusterError::NewerLog(_)
        | ClusterError::NewerSnapshot(_) => exit::DATA,
        ClusterError::Io { .. } => exit::IO,
        ClusterError::JoinTimeout { .. } => exit::NO_CLUSTER,
    }
}
