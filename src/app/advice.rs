//! Advice for the operator when this process may not use its directory.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Returns whether the file system has no file locks.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// Returns what is to be done about a directory that cannot be written: the user of this process,
/// the owner of the directory, and the command that corrects it.
pub(super) fn denied(path: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        return "the volume is mounted read-only, and no change of the owner helps: mount it with \
                write access (without `:ro`); if it was, the kernel has made it read-only after an \
                error of the disk (`dmesg` says so)"
            .to_owned();
    }
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let Some((blocking, meta)) = path
        .ancestors()
        .find_map(|at| Some((at, at.metadata().ok()?)))
    else {
        return format!("this process runs as uid {uid}, gid {gid}");
    };
    let mode = meta.mode() & 0o7777;
    // A symbolic link may lead out of the volume, and `chown -R` does not follow it.
    let linked = linked_folder(path);
    let folder = linked.as_deref().unwrap_or_else(|| volume(path));
    // Never a folder above ours: other data may be in it.
    let make = if folder.exists() {
        String::new()
    } else {
        format!("mkdir -p {} && ", folder.display())
    };
    format!(
        "this process runs as uid {uid}, gid {gid}; {} belongs to uid {}, gid {} \
         and has mode {mode:04o}. Fix, as root: \
         `{make}chown -R {uid}:{gid} {}`; or start the container as root once, which does it",
        blocking.display(),
        meta.uid(),
        meta.gid(),
        folder.display(),
    )
}

/// Returns where the configured directory is, if it is a symbolic link or below one.
fn linked_folder(path: &Path) -> Option<PathBuf> {
    let dir = path
        .ancestors()
        .find(|at| at.ends_with("influxd-meta"))
        .and_then(Path::parent)
        .unwrap_or(path);
    let real = dir.canonicalize().ok()?;
    (real != dir).then_some(real)
}

/// Returns the folder to give away: `/var/lib/influxdb`, where the image mounts a volume, or else
/// the parent of our folder, or the configured directory.
fn volume(path: &Path) -> &Path {
    let image = Path::new("/var/lib/influxdb");
    if path.starts_with(image) {
        return image;
    }
    path.ancestors()
        .find(|at| at.ends_with("influxd-meta"))
        .and_then(Path::parent)
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fix_of_a_link_is_for_where_it_leads() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("a path");
        std::fs::create_dir(top.join("real")).expect("made");
        std::os::unix::fs::symlink(top.join("real"), top.join("meta")).expect("linked");
        let error = io::ErrorKind::PermissionDenied.into();
        let text = denied(&top.join("meta/influxd-meta"), &error);
        let fix = format!("{}`", top.join("real").display());
        assert!(text.contains("chown -R") && text.contains(&fix), "{text}");
    }

    #[test]
    fn a_read_only_volume_is_not_given_away() {
        let error = io::ErrorKind::ReadOnlyFilesystem.into();
        let text = denied(Path::new("/srv/meta/influxd-meta"), &error);
        assert!(
            text.contains("read-only") && !text.contains("chown"),
            "{text}"
        );
    }

    #[test]
    fn the_fix_is_for_our_own_folder() {
        for (path, folder) in [
            ("/var/lib/influxdb/meta/influxd-meta", "/var/lib/influxdb"),
            ("/srv/meta/influxd-meta", "/srv/meta"),
            ("/srv/meta/influxd-meta/LOCK", "/srv/meta"),
            ("/srv/meta", "/srv/meta"),
        ] {
            assert_eq!(volume(Path::new(path)), Path::new(folder));
        }
    }
}
