//! Memory that this process may use, and that it has left.

use std::path::{Path, PathBuf};

/// Returns the smallest limit in bytes that applies to this process: those of its cgroup and the
/// cgroups above it, or the machine's memory. `None` where nothing tells, as on other systems than
/// Linux.
pub fn limit() -> Option<u64> {
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let files = groups.lines().flat_map(limit_files);
    let cgroups = files.filter_map(|file| read(file)?.trim().parse().ok());
    let machine = read("/proc/meminfo").and_then(|text| machine_memory(&text));
    cgroups.chain(machine).min()
}

/// Returns the bytes that this process can still allocate: within [`limit`], and within the memory
/// that the machine has left. `None` where nothing tells.
pub fn available() -> Option<u64> {
    let used = resident(&read("/proc/self/statm")?)?;
    let within_limit = limit().map(|limit| limit.saturating_sub(used));
    let left = read("/proc/meminfo").and_then(|text| kibibytes(&text, "MemAvailable:"));
    within_limit.into_iter().chain(left).min()
}

/// Reads the resident bytes of `/proc/self/statm`, whose second number is pages of 4 KiB.
fn resident(statm: &str) -> Option<u64> {
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(4096)
}

/// Returns the files with the limits of a line of `/proc/self/cgroup`: `0::/a/b` in version 2,
/// `4:memory:/a/b` in version 1. In a container the path may be the one outside, which does not
/// exist inside: the group at the top is the container's then.
fn limit_files(line: &str) -> Vec<PathBuf> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
        return Vec::new();
    };
    let (top, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    let group = Path::new(path.trim_start_matches('/'));
    group
        .ancestors()
        .map(|group| Path::new(top).join(group).join(file))
        .collect()
}

fn machine_memory(meminfo: &str) -> Option<u64> {
    kibibytes(meminfo, "MemTotal:")
}

/// Reads a line of `/proc/meminfo`, in bytes.
fn kibibytes(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[expect(
    clippy::disallowed_methods,
    reason = "files of the kernel about this process, not of the data directory"
)]
fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<String> {
        let files = limit_files(line);
        files
            .iter()
            .map(|file| file.display().to_string())
            .collect()
    }

    #[test]
    fn all_groups_up_to_the_top_are_asked() {
        assert_eq!(
            names("0::/a/b"),
            [
                "/sys/fs/cgroup/a/b/memory.max",
                "/sys/fs/cgroup/a/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(names("0::/"), ["/sys/fs/cgroup/memory.max"]);
        assert_eq!(
            names("4:memory:/a"),
            [
                "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes"
            ]
        );
        assert!(names("3:cpu,cpuacct:/a").is_empty());
        assert!(names("nonsense").is_empty());
    }

    #[test]
    fn the_machines_memory_is_in_kibibytes() {
        let text = "MemFree:  1 kB\nMemTotal:       24576 kB\n";
        assert_eq!(machine_memory(text), Some(24_576 * 1024));
        assert_eq!(machine_memory("MemTotal: much"), None);
    }

    #[test]
    fn what_is_left_is_read() {
        assert_eq!(resident("5000 100 20 1 0 300 0\n"), Some(409_600));
        assert_eq!(resident(""), None);
        assert_eq!(
            kibibytes("MemFree: 1 kB\nMemAvailable:      3 kB\n", "MemAvailable:"),
            Some(3072)
        );
        assert!(available().is_some_and(|bytes| bytes > 0), "on Linux");
    }
}
