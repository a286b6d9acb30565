//! Dropping root: gives the directory to the user `influxdb` and continues as that user.
//!
//! Only if that user exists, as in the image and the packages; elsewhere the process stays root.
//! Runs before there is a second thread, because on Linux each thread has its own ids.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid};
use rustix::thread::CapabilitySet;

const USER: &str = "influxdb";

/// Drops root as described above. If a capability is missing, logs a warning and stays root.
/// Opening the directory reports whether it can be written.
pub(super) fn drop_root(dir: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let Some((uid, gid)) = user(USER) else { return };
    match give_data_and_drop_root(dir, uid, gid) {
        Ok(()) => tracing::info!(
            event = "privileges",
            uid = uid.as_raw(),
            gid = gid.as_raw(),
            "started as root: the directory belongs to {USER} now, and so does this process"
        ),
        Err(error) => tracing::warn!(event = "privileges", "staying root: {error}"),
    }
}

fn give_data_and_drop_root(dir: &Path, uid: Uid, gid: Gid) -> io::Result<()> {
    // All or nothing: root without CAP_DAC_OVERRIDE cannot write files of another user.
    let held = rustix::thread::capabilities(None)?.effective;
    let need = CapabilitySet::SETUID | CapabilitySet::SETGID;
    if !held.contains(need) {
        return Err(io::Error::other(
            "the capabilities SETUID and SETGID are missing",
        ));
    }
    create(dir)?;
    give(dir, uid, gid)?;
    give_link_target(dir, uid, gid)?;
    let ours = dir.join("influxd-meta");
    if is_folder(&ours) {
        give_tree(&ours, uid, gid)?;
    }
    // Groups and gid first: they cannot be changed after the uid.
    rustix::thread::set_thread_groups(&[gid])?;
    rustix::thread::set_thread_gid(gid)?;
    rustix::thread::set_thread_uid(uid)?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "before there is an Env, and no data yet"
)]
fn create(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)
}

#[expect(
    clippy::disallowed_methods,
    reason = "before there is an Env, and no data is read"
)]
fn give_tree(dir: &Path, uid: Uid, gid: Gid) -> io::Result<()> {
    give(dir, uid, gid)?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            give_tree(&entry.path(), uid, gid)?;
        } else {
            give(&entry.path(), uid, gid)?;
        }
    }
    Ok(())
}

/// Returns whether the path is a folder itself. A symbolic link to one is none: whoever owns the
/// volume could place it, and would be given everything below its target.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
}

/// Gives away the folder that `dir` leads to if it is a symbolic link inside its volume: where it
/// leads to a sibling. A link that leads elsewhere could give away a folder of the system, so that
/// is left to a person; the message then names the folder.
fn give_link_target(dir: &Path, uid: Uid, gid: Gid) -> io::Result<()> {
    if !dir.is_symlink() {
        return Ok(());
    }
    let (target, parent) = (dir.canonicalize()?, dir.parent());
    let parent = parent.map(Path::canonicalize).transpose()?;
    match parent {
        Some(parent) if target.parent() == Some(&parent) => give(&target, uid, gid),
        _ => Ok(()),
    }
}

/// Changes the owner, unless it is right already: then no privilege is needed. A symbolic link
/// itself is changed, not its target.
fn give(path: &Path, uid: Uid, gid: Gid) -> io::Result<()> {
    let meta = path.symlink_metadata()?;
    if meta.uid() == uid.as_raw() && meta.gid() == gid.as_raw() {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(uid.as_raw()), Some(gid.as_raw()))
        .map_err(|error| io::Error::new(error.kind(), format!("chown {}: {error}", path.display())))
}

/// Looks a user up in `/etc/passwd`: a static program has no other source.
#[expect(
    clippy::disallowed_methods,
    reason = "before there is an Env, and not ours"
)]
fn user(name: &str) -> Option<(Uid, Gid)> {
    find(&std::fs::read_to_string("/etc/passwd").ok()?, name)
}

fn find(passwd: &str, name: &str) -> Option<(Uid, Gid)> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, uid, gid, ..] = fields.as_slice() else {
            return None;
        };
        let (uid, gid): (u32, u32) = (uid.parse().ok()?, gid.parse().ok()?);
        (*found == name && uid != 0).then(|| (Uid::from_raw(uid), Gid::from_raw(gid)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_of_a_symbolic_link_is_not_given_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, link) = (dir.path().join("folder"), dir.path().join("link"));
        create(&folder).expect("created");
        std::os::unix::fs::symlink(&folder, &link).expect("linked");
        assert!(is_folder(&folder));
        assert!(!is_folder(&link));
    }

    #[test]
    fn users_are_found_by_their_whole_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nbroken\ninfluxdb2:x:7:7:::\ninfluxdb:x:1000:1001::/:/x\n";
        let found = find(passwd, "influxdb").map(|(uid, gid)| (uid.as_raw(), gid.as_raw()));
        assert_eq!(found, Some((1000, 1001)));
        assert!(find(passwd, "nobody").is_none());
        assert!(find(passwd, "root").is_none());
    }
}
