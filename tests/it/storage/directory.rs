//! Ownership of the data directory, and small files in it.

use std::io::ErrorKind;
use std::path::Path;

use influxdb_meta::runtime::Disk;
use influxdb_meta::runtime::disk::{Fake, OpKind};
use influxdb_meta::storage::{DataDir, OpenDirError};

use super::support::*;

fn open(disk: &Fake) -> Result<DataDir, OpenDirError> {
    DataDir::open(&env(disk), Path::new(DIR))
}

fn touch(disk: &Fake, path: &str) {
    let path = Path::new(DIR).join(path);
    disk.create_dir_all(path.parent().expect("a folder"))
        .expect("created");
    drop(disk.open(&path, true).expect("created"));
}

#[test]
fn another_programs_directory_is_refused_untouched() {
    for name in ["raft.db", "peers.json"] {
        let disk = Fake::new();
        touch(&disk, name);
        assert!(matches!(open(&disk), Err(OpenDirError::Foreign { path }) if path.ends_with(name)));
        assert_eq!(disk.list(Path::new(DIR)).expect("listed"), [name]);
    }
}

#[test]
fn a_data_nodes_file_beside_us_is_no_matter() {
    let disk = Fake::new();
    touch(&disk, "client.json");
    open(&disk).expect("opens");
}

#[test]
fn a_log_or_snapshot_without_identity_is_refused() {
    for name in ["wal/0000000000000001", "wal/reserve", "snap/3-14"] {
        let disk = Fake::new();
        touch(&disk, &format!("influxd-meta/{name}"));
        assert!(
            matches!(open(&disk), Err(OpenDirError::NoIdentity { .. })),
            "{name}"
        );
        touch(&disk, "influxd-meta/identity");
        open(&disk).expect("with an identity it is ours");
    }
}

#[test]
fn a_directory_has_one_user() {
    let disk = Fake::new();
    let first = open(&disk).expect("opens");
    let clone = first.clone();
    drop(first);
    assert!(matches!(open(&disk), Err(OpenDirError::Locked { .. })));
    drop(clone);
    open(&disk).expect("free again");
}

#[test]
fn an_open_log_keeps_the_directory_locked_until_it_is_closed() {
    run(async {
        let disk = Fake::new();
        let Volume { dir, log } = Volume::open(&disk).expect("a new log");
        drop(dir);
        assert!(matches!(open(&disk), Err(OpenDirError::Locked { .. })));
        log.close().await;
        open(&disk).expect("free again");
    });
}

#[test]
fn two_real_openings_exclude_each_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let _inside = runtime.enter();
    let env = influxdb_meta::runtime::Env::real();
    let first = DataDir::open(&env, dir.path()).expect("opens");
    assert!(matches!(
        DataDir::open(&env, dir.path()),
        Err(OpenDirError::Locked { .. })
    ));
    drop(first);
    DataDir::open(&env, dir.path()).expect("free again");
}

#[test]
fn what_cannot_be_written_is_denied_at_the_first_try() {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        let disk = Fake::new();
        disk.fail_with(move |_| Some(kind));
        assert!(matches!(open(&disk), Err(OpenDirError::Denied { .. })));

        // The folders exist, and only new files fail.
        let disk = Fake::new();
        drop(open(&disk).expect("opens"));
        disk.fail_with(move |op| matches!(op.kind, OpKind::Create).then_some(kind));
        assert!(matches!(open(&disk), Err(OpenDirError::Denied { .. })));
    }
}

#[test]
fn any_other_error_names_deed_and_path() {
    let disk = Fake::new();
    disk.fail_with(|op| matches!(op.kind, OpKind::SyncDir).then_some(ErrorKind::Other));
    let error = open(&disk).err().expect("fails");
    assert!(
        matches!(&error, OpenDirError::Io { path, .. } if path.starts_with("/var")),
        "{error}"
    );
}

#[test]
fn unfinished_files_are_swept() {
    let disk = Fake::new();
    for name in ["identity.tmp", "wal/reserve.tmp", "snap/3-14.tmp"] {
        touch(&disk, &format!("influxd-meta/{name}"));
    }
    let dir = open(&disk).expect("nothing finished is in it");
    assert_eq!(
        disk.list(dir.path()).expect("listed"),
        ["old", "snap", "wal"]
    );
    assert!(disk.list(&wal()).expect("listed").is_empty());
}

/// After a crash at any change the file is the old one or the new one; once stored, it is the new
/// one.
#[test]
fn a_small_file_is_replaced_whole_or_not_at_all() {
    let disk = Fake::new();
    let dir = open(&disk).expect("opens");
    assert_eq!(dir.load("identity").expect("read"), None);
    let old = vec![1; 700];
    let new = vec![2; 1300];
    dir.store("identity", &old).expect("stored");
    let replayed = disk.after_kill();
    disk.record();
    dir.store("identity", &new).expect("stored");
    assert_eq!(dir.load("identity").expect("read"), Some(new.clone()));

    let history = disk.history();
    for (at, op) in history.iter().enumerate() {
        replayed.replay(op).expect("replays");
        for seed in 0..20 {
            let disk = replayed.after_power_loss(seed);
            let left = open(&disk)
                .expect("opens")
                .load("identity")
                .expect("read")
                .expect("one is there");
            let stored = at + 1 == history.len();
            assert!(
                left == new || (left == old && !stored),
                "cut after {op:?}: {} bytes",
                left.len()
            );
        }
    }
}

/// A killed process leaves a renamed file in the page cache: once the next process has loaded it,
/// it must stay.
#[test]
fn what_was_loaded_after_a_kill_survives_a_power_loss() {
    let disk = Fake::new();
    let dir = open(&disk).expect("opens");
    dir.store("identity", b"old").expect("stored");
    let replayed = disk.after_kill();
    disk.record();
    dir.store("identity", b"new").expect("stored");
    for op in disk.history() {
        replayed.replay(&op).expect("replays");
        let killed = replayed.after_kill();
        let shown = open(&killed)
            .expect("opens")
            .load("identity")
            .expect("read");
        let left = open(&killed.after_power_loss_keeping(|| false)).expect("opens");
        assert_eq!(
            left.load("identity").expect("read"),
            shown,
            "killed after {op:?}"
        );
    }
}
