//! Readers of the log that stall or go away, and closed standard streams.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, PipeReader, PipeWriter, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::node::{Node, Nodes, SOON, program};
use crate::harness::wait_for;

/// Fills a pipe, so that the next write into it waits for a reader. The writer stays blocking, as
/// the one that a container engine gives to a program.
fn fill(writer: &PipeWriter) {
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let mut end = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .expect("the pipe");
    for size in [4096, 1] {
        let blank = vec![b' '; size];
        loop {
            match end.write(&blank) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn fd(writer: &PipeWriter) -> OwnedFd {
    writer.try_clone().expect("a descriptor").into()
}

/// Value of `influxdb_meta_log_lines_dropped_total`.
fn dropped(node: &Node) -> Result<u64, String> {
    let text = node.get("/metrics")?.text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("influxdb_meta_log_lines_dropped_total "));
    line.and_then(|count| count.parse().ok()).ok_or(text)
}

/// Makes the node log until lines are dropped: each SIGHUP is one line.
#[track_caller]
fn log_until_dropped(node: &Node) {
    let pid = Pid::from_raw(node.pid() as i32).expect("a process id");
    wait_for("dropped line", SOON, || {
        for _ in 0..1000 {
            kill_process(pid, Signal::HUP).expect("the node runs");
            std::thread::yield_now();
        }
        match dropped(node)? {
            0 => Err("0 dropped".into()),
            _ => Ok(()),
        }
    });
}

/// Reads lines until one contains `text`, and returns it. Then nobody reads any more.
fn read_until(reader: &mut BufReader<PipeReader>, text: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(
            reader.read_line(&mut line).expect("the log"),
            0,
            "no {text:?}"
        );
        if line.contains(text) {
            return line;
        }
    }
}

#[test]
fn a_full_pipe_costs_lines_and_a_reader_that_comes_back_is_told_how_many() {
    let mut nodes = Nodes::without_peers(1);
    let (reader, writer) = pipe().expect("a pipe");
    let node = &mut nodes.all[0];
    node.flags = vec!["-single-server".into()];
    node.stderr = Some(fd(&writer));
    node.start();
    node.wait_ready();
    fill(&writer);
    log_until_dropped(node);
    assert_eq!(node.get("/livez").map(|answer| answer.status), Ok(200));
    node.goes_on("while-nobody-reads");
    let mut reader = BufReader::new(reader);
    let said = read_until(&mut reader, "event=log.dropped");
    assert!(
        said.contains("lvl=warn") && !said.contains("lines=0"),
        "{said}"
    );
    let lines: u64 = said
        .trim_end()
        .rsplit_once("lines=")
        .and_then(|(_, count)| count.parse().ok())
        .expect("a number of lines");
    assert!(lines <= dropped(node).expect("metrics"), "{said}");
    node.signal("HUP");
    read_until(&mut reader, "event=signal");
    fill(&writer);
    assert_eq!(node.terminate().0, Some(0));
}

#[test]
fn a_leader_whose_log_nobody_reads_goes_on_when_a_follower_dies() {
    let mut nodes = Nodes::new(3);
    let pipes: Vec<_> = nodes
        .all
        .iter_mut()
        .map(|node| {
            let (reader, writer) = pipe().expect("a pipe");
            node.stderr = Some(fd(&writer));
            (reader, writer)
        })
        .collect();
    nodes.start_all();
    nodes.wait_ready();
    let leader = nodes.leader();
    let (dead, third) = ((leader + 1) % 3, (leader + 2) % 3);
    fill(&pipes[leader].1);
    log_until_dropped(&nodes.all[leader]);
    nodes.all[dead].kill();
    for name in ["a", "b", "c"] {
        nodes.all[third].goes_on(name);
    }
    assert_eq!(nodes.all[leader].get("/livez").map(|r| r.status), Ok(200));
    nodes.all[dead].start();
    nodes.wait_ready();
    nodes.wait_equal();
    assert_eq!(nodes.all[leader].terminate().0, Some(0));
    nodes.all[third].goes_on("after-the-leader");
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let (reader, gone) = pipe().expect("a pipe");
    drop(reader);
    let full = OpenOptions::new().write(true).open("/dev/full");
    for stderr in [OwnedFd::from(gone), full.expect("/dev/full").into()] {
        let mut nodes = Nodes::without_peers(1);
        let node = &mut nodes.all[0];
        node.flags = vec!["-single-server".into()];
        node.stderr = Some(stderr);
        node.start();
        node.wait_ready();
        node.goes_on("unlogged");
        assert!(dropped(node).expect("metrics") > 0);
        assert_eq!(node.terminate().0, Some(0));
    }
}

#[test]
fn a_start_that_fails_ends_with_its_code_though_nobody_reads_why() {
    let (_reader, writer) = pipe().expect("a pipe");
    fill(&writer);
    let mut nodes = Nodes::without_peers(1);
    let running = &mut nodes.all[0];
    running.start();
    wait_for("locked directory", SOON, || {
        running.get("/livez").map(|answer| answer.status)
    });
    // A second process on the same directory, and one whose configuration is wrong.
    for (variable, value, code) in [
        ("INFLUXDB_META_HTTP_BIND_ADDRESS", "127.0.0.1:0", 73),
        ("INFLUXDB_META_PEERS", "a/b", 78),
    ] {
        let mut child = Command::new(program())
            .env_clear()
            .env("INFLUXDB_META_CONFIG_PATH", "/dev/null")
            .env(
                "INFLUXDB_META_DIR",
                running.data_dir().parent().expect("dir"),
            )
            .env(variable, value)
            .stderr(fd(&writer))
            .spawn()
            .expect("influxd-meta starts");
        let ended = wait_for("end of the process", SOON, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("{other:?}")),
        });
        assert_eq!(ended.code(), Some(code), "{variable}={value}");
    }
}

/// A stream that cannot be written.
#[derive(Clone, Copy, Debug)]
enum Broken {
    /// A pipe whose reader is gone, as in `| true`.
    Pipe,
    /// `/dev/full`.
    Full,
}

impl Broken {
    fn open(self) -> Stdio {
        match self {
            Self::Pipe => {
                let (_reader, writer) = pipe().expect("a pipe");
                writer.into()
            }
            Self::Full => {
                let full: File = OpenOptions::new()
                    .write(true)
                    .open("/dev/full")
                    .expect("/dev/full");
                full.into()
            }
        }
    }
}

/// A command line whose first word is the program's name, variables, and the exit codes when
/// stdout, and when stderr cannot be written.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], [i32; 2]);

#[test]
fn streams_that_cannot_be_written_do_not_change_what_a_command_found() {
    let mut nodes = Nodes::without_peers(1);
    let node = &mut nodes.all[0];
    node.flags = vec!["-single-server".into()];
    node.start();
    node.wait_ready();
    let http = node.http().to_string();
    let here = ("INFLUXDB_META_HTTP_BIND_ADDRESS", &*http);
    let no_file = ("INFLUXDB_META_CONFIG_PATH", "/dev/null");
    let nowhere = ("INFLUXDB_META_HTTP_BIND_ADDRESS", "127.0.0.1:1");
    let unknown = ("INFLUXDB_META_NOPE", "1");
    let wrong = ("INFLUXDB_META_PEERS", "a/b");
    // Where the output is the purpose, an unwritable stdout is a failure: 1.
    let cases: &[Case<'_>] = &[
        (&["influxd-meta", "healthcheck"], &[no_file, here], [0, 0]),
        (
            &["influxd-meta", "healthcheck", "--ready"],
            &[no_file, here],
            [0, 0],
        ),
        (
            &["influxd-meta", "healthcheck"],
            &[no_file, nowhere],
            [1, 1],
        ),
        (&["influxd-meta", "config"], &[no_file, unknown], [1, 0]),
        (&["influxd-meta", "config"], &[no_file, wrong], [78, 78]),
        (&["influxd-meta"], &[no_file, wrong], [78, 78]),
        (&["influxd-meta", "nonsense"], &[], [64, 64]),
        (&["influxd-meta", "-no-such-flag"], &[], [64, 64]),
        (&["influxd-meta", "-version"], &[], [1, 0]),
        (&["influxd-meta", "help"], &[], [1, 0]),
        (&["influxd-ctl", "-bind", &http, "show"], &[], [1, 0]),
        (
            &[
                "influxd-ctl",
                "-bind",
                "127.0.0.1:1",
                "-timeout",
                "100ms",
                "show",
            ],
            &[],
            [1, 1],
        ),
        (&["influxd-ctl", "help"], &[], [1, 0]),
        (&["influxd-ctl", "nonsense"], &[], [1, 1]),
        (&["influxd-ctl", "-no-such-flag"], &[], [1, 1]),
    ];
    for (line, variables, [on_stdout, on_stderr]) in cases {
        for broken in [Broken::Pipe, Broken::Full] {
            let run = |stdout: Stdio, stderr: Stdio| {
                let status = Command::new(program())
                    .arg0(line[0])
                    .args(&line[1..])
                    .env_clear()
                    .envs(variables.iter().copied())
                    .stdin(Stdio::null())
                    .stdout(stdout)
                    .stderr(stderr)
                    .status();
                status.expect("the program runs").code()
            };
            let stdout = run(broken.open(), Stdio::null());
            assert_eq!(stdout, Some(*on_stdout), "{line:?}, stdout {broken:?}");
            let stderr = run(Stdio::null(), broken.open());
            assert_eq!(stderr, Some(*on_stderr), "{line:?}, stderr {broken:?}");
        }
    }
}
