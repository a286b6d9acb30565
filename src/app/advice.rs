//! Advice for the operator when this process may not use its directory.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Returns the user of this process, the owner of the directory, and the command that corrects it.
pub(super) fn denied(path: &Path) -> String {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let Some((blocking, meta)) = path
        .ancestors()
        .find_map(|at| Some((at, at.metadata().ok()?)))
    else {
        return format!("this process runs as uid {uid}, gid {gid}");
    };
    let mode = meta.mode() & 0o7777;
    let folder = volume(path);
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
