//! The command line of the meta node that runs in this container, for the commands that ask it:
//! the health check of an image cannot know the `-config` that an operator gave to the node.
//!
//! Variables need no such search: `docker exec` and health checks have those of the container. The
//! source is `/proc/<pid>/cmdline`, which every user may read, also in an image without a shell,
//! with a read-only root file system, and after the node has dropped root.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use super::args::{self, ProgramCommand};
use super::inputs::Flags;

/// Flags of the one meta node that runs in this container. `None` if there is none, or more than
/// one, which is normal outside containers.
pub(super) fn flags() -> Option<Flags> {
    find(Path::new("/proc"))
}

/// Process 1 is the node, unless the container has an init or shares the process ids of its host
/// or pod. Then the node is the one in the control group of this process, which a container does
/// not share with others.
#[expect(
    clippy::disallowed_methods,
    reason = "the files of /proc, in commands that have no Env"
)]
fn find(proc: &Path) -> Option<Flags> {
    if let Some(flags) = node(&proc.join("1")) {
        return Some(flags);
    }
    let group_of = |process: &Path| fs::read(process.join("cgroup")).ok();
    let here = group_of(&proc.join("self"))?;
    let processes = fs::read_dir(proc).ok()?.flatten().map(|entry| entry.path());
    let neighbours =
        processes.filter(|path| is_process(path) && group_of(path).as_ref() == Some(&here));
    let mut nodes = neighbours.filter_map(|path| node(&path));
    nodes.next().filter(|_| nodes.next().is_none())
}

fn is_process(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Flags of this process, if it is a running meta node.
#[expect(
    clippy::disallowed_methods,
    reason = "the files of /proc, in commands that have no Env"
)]
fn node(process: &Path) -> Option<Flags> {
    let line = fs::read(process.join("cmdline")).ok()?;
    let line = line.strip_suffix(b"\0")?;
    let words = line.split(|byte| *byte == 0);
    let mut words = words
        .map(|word| OsString::from_vec(word.to_vec()))
        .peekable();
    let is_program = |word: &OsString| Path::new(word).file_name() == Some("influxd-meta".as_ref());
    words.next().filter(is_program)?;
    words.next_if(is_program);
    match args::parse(words) {
        Ok(ProgramCommand::Run(flags)) => Some(flags),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A `/proc` with these processes: id, command line, control group.
    #[expect(clippy::disallowed_methods, reason = "stands in for the kernel")]
    fn proc(processes: &[(&str, &str, &str)]) -> tempfile::TempDir {
        let proc = tempfile::tempdir().expect("a folder");
        for (id, line, group) in processes {
            let folder = proc.path().join(id);
            fs::create_dir(&folder).expect("a folder");
            let line: String = line.split(' ').map(|word| format!("{word}\0")).collect();
            fs::write(folder.join("cmdline"), line).expect("a file");
            fs::write(folder.join("cgroup"), group).expect("a file");
        }
        proc
    }

    fn config_of(processes: &[(&str, &str, &str)]) -> Option<Option<PathBuf>> {
        find(proc(processes).path()).map(|flags| flags.config)
    }

    const CHECK: (&str, &str, &str) = ("self", "influxd-meta healthcheck", "0::/a\n");

    #[test]
    fn the_node_is_process_1_whatever_else_runs() {
        for line in [
            "/usr/bin/influxd-meta run -config /c -single-server",
            "influxd-meta -config=/c",
            "influxd-meta influxd-meta --config /c",
        ] {
            let found = config_of(&[
                ("1", line, "0::/"),
                ("7", "influxd-meta -config /d", "0::/"),
                CHECK,
            ]);
            assert_eq!(found, Some(Some("/c".into())), "{line}");
        }
    }

    #[test]
    fn beside_an_init_or_other_containers_it_is_the_one_in_the_same_group() {
        let init = ("1", "/sbin/docker-init -- x", "0::/a\n");
        let ours = ("7", "influxd-meta run -config /c", "0::/a\n");
        let other = ("8", "influxd-meta run -config /d", "0::/b\n");
        let check = ("9", "influxd-meta healthcheck", "0::/a\n");
        let ctl = ("10", "influxd-ctl -config /e show", "0::/a\n");
        let processes = [init, ours, other, check, ctl, CHECK];
        assert_eq!(config_of(&processes), Some(Some("/c".into())));
        let second = ("11", "influxd-meta", "0::/a\n");
        assert_eq!(config_of(&[init, ours, second, CHECK]), None, "which one?");
        assert_eq!(config_of(&[init, other, CHECK]), None);
    }
}
