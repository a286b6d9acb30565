//! The file `identity` on disk, and the log that belongs to it.

use crate::base::Incarnation;
use crate::cluster::error::ClusterError;
use crate::cluster::identity::record::{self, IdentityRecord};
use crate::runtime::Env;
use crate::storage::DataDir;
use crate::wire::identity::Phase;

/// Reads the record. In an empty directory, makes one and stores it.
///
/// # Errors
/// The file could not be read or written, is damaged or of a newer format.
pub(super) async fn load_or_make(env: &Env, dir: &DataDir) -> Result<IdentityRecord, ClusterError> {
    let disk = dir.clone();
    let read = env.tasks.blocking(move || disk.load(record::FILE)).await;
    let read = read.map_err(|source| ClusterError::Io {
        operation: "reading the file `identity`",
        source,
    })?;
    if let Some(bytes) = read {
        let record = IdentityRecord::decode(&bytes).map_err(ClusterError::BadIdentity)?;
        // A fresh node has no log. A log that is found here is left over: the process ended before
        // the log was archived.
        if record.phase() == Phase::Fresh {
            archive_log(env, dir, record.incarnation).await?;
        }
        return Ok(record);
    }
    let record = new_record(env);
    // founding.md P1: durable before any packet mentions it. A node that forgot its incarnation
    // could vote twice.
    store(env, dir, &record).await?;
    Ok(record)
}

pub(super) fn new_record(env: &Env) -> IdentityRecord {
    let mut incarnation = [0; 16];
    env.rng.fill(&mut incarnation);
    IdentityRecord::fresh(Incarnation(incarnation))
}

/// Writes the record durably. [`NodeStateWriter`](super::state::NodeStateWriter) is the only caller
/// while the node runs.
pub(super) async fn store(
    env: &Env,
    dir: &DataDir,
    record: &IdentityRecord,
) -> Result<(), ClusterError> {
    let (dir, bytes) = (dir.clone(), record.encode());
    let stored = env
        .tasks
        .blocking(move || dir.store(record::FILE, &bytes))
        .await;
    stored.map_err(|source| ClusterError::Io {
        operation: "writing the file `identity`",
        source,
    })
}

/// Moves the log and the snapshots of this incarnation to `old/`.
pub(super) async fn archive_log(
    env: &Env,
    dir: &DataDir,
    incarnation: Incarnation,
) -> Result<(), ClusterError> {
    let (dir, name) = (dir.clone(), incarnation.to_string());
    let done = env.tasks.blocking(move || dir.archive_log(&name)).await;
    done.map_err(|source| ClusterError::Io {
        operation: "setting the old log aside",
        source,
    })
}
