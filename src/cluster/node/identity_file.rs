//! The file `identity` on disk, and the log that belongs to it.

use crate::base::Incarnation;
use crate::cluster::error::ClusterError;
use crate::cluster::identity::record::{self, IdentityFileError, IdentityRecord};
use crate::runtime::Env;
use crate::storage::{Copy, DataDir, is_full};
use crate::wire::identity::Phase;

/// Reads the record. In an empty directory, makes one and stores it.
///
/// # Errors
/// The file could not be read or written, is damaged or of a newer format.
pub(super) async fn load_or_make(env: &Env, dir: &DataDir) -> Result<IdentityRecord, ClusterError> {
    if let Some(record) = load(env, dir).await? {
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

/// Reads the record, and writes it again; `None` if there is none.
///
/// Safety order: written and synced before anything of it is shown. What is read may be in the page
/// cache only, after an fsync that failed, and a power loss would take it.
async fn load(env: &Env, dir: &DataDir) -> Result<Option<IdentityRecord>, ClusterError> {
    let disk = dir.clone();
    let read = move || {
        let first = disk.load_copy(record::FILE, Copy::First)?;
        Ok((first, disk.load_copy(record::FILE, Copy::Second)?))
    };
    let read = env.tasks.blocking(read).await;
    let (first, second) = read.map_err(|source| ClusterError::Io {
        operation: "reading the file `identity`",
        source,
    })?;
    let Some(first) = first else { return Ok(None) };
    let (record, order) = match IdentityRecord::decode(&first) {
        Ok(record) => (record, SECOND_FIRST),
        Err(damaged @ IdentityFileError::Damaged(_)) => {
            let copy = second.filter(|_| IdentityRecord::is_padded(&first));
            let Some(record) = copy.and_then(|copy| IdentityRecord::decode(&copy).ok()) else {
                return Err(ClusterError::BadIdentity(damaged));
            };
            tracing::warn!(
                event = "identity.torn",
                "the file `identity` is torn: its second copy is used"
            );
            (record, [Copy::First, Copy::Second])
        }
        Err(newer) => return Err(ClusterError::BadIdentity(newer)),
    };
    match store_copies(env, dir, &record, order).await {
        // An older version wrote the file, without its blanks and its copy.
        Err(error) if is_full(&error) && !IdentityRecord::is_padded(&first) => {
            tracing::warn!(%error, "no room to make the file `identity` writable in place");
        }
        stored => stored.map_err(cannot_write)?,
    }
    Ok(Some(record))
}

/// Order of writing the copies. The first copy counts while it is whole, so the second one is
/// written before it: a power loss leaves the old record, or the new one in at least one copy.
const SECOND_FIRST: [Copy; 2] = [Copy::Second, Copy::First];

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
    let stored = store_copies(env, dir, record, SECOND_FIRST).await;
    stored.map_err(cannot_write)
}

async fn store_copies(
    env: &Env,
    dir: &DataDir,
    record: &IdentityRecord,
    order: [Copy; 2],
) -> std::io::Result<()> {
    let (dir, bytes) = (dir.clone(), record.encode_padded());
    env.tasks
        .blocking(move || dir.store_copies(record::FILE, &bytes, order))
        .await
}

fn cannot_write(source: std::io::Error) -> ClusterError {
    ClusterError::Io {
        operation: "writing the file `identity`",
        source,
    }
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::base::StartId;
    use crate::runtime::Tasks;
    use crate::runtime::disk::Fake;

    fn env(disk: &Fake) -> Env {
        Env {
            disk: Arc::new(disk.clone()),
            tasks: Tasks::inline(),
            ..Env::real()
        }
    }

    async fn load_from(disk: &Fake) -> Result<IdentityRecord, ClusterError> {
        let env = env(disk);
        let dir = DataDir::open(&env, Path::new("/meta")).expect("opens");
        load_or_make(&env, &dir).await
    }

    #[tokio::test]
    async fn a_crash_at_any_change_leaves_the_old_record_or_the_new_one() {
        let disk = Fake::new();
        let old = load_from(&disk).await.expect("made");
        let new = old.with_start(StartId([1; 8]));
        let before = disk.after_kill();
        let environment = env(&disk);
        let dir = DataDir::open(&environment, Path::new("/meta")).expect("opens");
        disk.record();
        store(&environment, &dir, &new).await.expect("stored");
        let history = disk.history();
        for place in 0..=history.len() {
            let disk = before.after_kill();
            history[..place]
                .iter()
                .for_each(|op| disk.replay(op).expect("replays"));
            let mut crashed = vec![disk.after_kill()];
            crashed.extend((0..40).map(|seed| disk.after_power_loss(seed)));
            for crashed in crashed {
                let found = load_from(&crashed).await.expect("one copy is whole");
                assert!(found == old || found == new, "{place}: {found:?}");
                assert!(place < history.len() || found == new, "it was acknowledged");
                // A record that was read once stays.
                let again = load_from(&crashed.after_power_loss_keeping(|| false)).await;
                assert_eq!(again.expect("whole"), found, "{place}");
            }
        }
    }

    #[tokio::test]
    async fn a_full_disk_takes_a_new_record_and_an_old_file_is_read() {
        let disk = Fake::new();
        let environment = env(&disk);
        let dir = DataDir::open(&environment, Path::new("/meta")).expect("opens");
        let old = new_record(&environment);
        // Older versions wrote the file like this.
        dir.store(record::FILE, &old.encode()).expect("stored");
        assert_eq!(load_or_make(&environment, &dir).await.expect("read"), old);
        disk.set_capacity(Some(disk.used()));
        let new = old.with_start(StartId([1; 8]));
        store(&environment, &dir, &new)
            .await
            .expect("needs no room");
        drop(dir);
        assert_eq!(load_from(&disk).await.expect("read"), new);
    }
}
