//! Runs `influxd-ctl` as operators do, and parses its tables.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::node::program;

/// Exit code and output of a command.
#[derive(Debug)]
pub struct Typed {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program under test as `influxd-ctl`, without input on stdin.
pub fn influxd_ctl(args: &[&str]) -> Typed {
    let mut command = Command::new(program());
    command
        .arg0("influxd-ctl")
        .args(args)
        .stdin(Stdio::null())
        .env_clear();
    let output = command.output().expect("influxd-ctl runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Typed {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// The table `Meta Nodes` of `show`: HTTP address → node id, and the rest of the line, labels
/// included.
pub fn meta_nodes(shown: &str) -> BTreeMap<String, (u64, String)> {
    let row = |(id, cells): (u64, Vec<&str>)| {
        Some(((*cells.get(2)?).to_owned(), (id, cells[3..].join(" "))))
    };
    rows(shown, "Meta Nodes").filter_map(row).collect()
}

/// The table `Data Nodes`: TCP address → node id.
pub fn data_nodes(shown: &str) -> BTreeMap<String, u64> {
    rows(shown, "Data Nodes")
        .filter_map(|(id, cells)| Some(((*cells.get(1)?).to_owned(), id)))
        .collect()
}

/// Lines of a table that begin with a node id.
fn rows<'a>(shown: &'a str, table: &str) -> impl Iterator<Item = (u64, Vec<&'a str>)> {
    let lines = shown.lines().skip_while(move |line| *line != table).skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            Some((cells.first()?.parse().ok()?, cells))
        })
}
